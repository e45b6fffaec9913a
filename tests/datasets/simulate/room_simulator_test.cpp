#include "datasets/simulate/room_simulator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/acoustics/analysis.h"
#include "core/error.h"

namespace diffverb {
namespace {

SimulatedRoom room_of(const Point& size, double rate_hz, double absorption, double scattering) {
  SimulatedRoom room;
  room.size_m = size;
  const auto bands = simulation_bands_hz(rate_hz).size();
  for (auto& wall : room.absorption) wall.assign(bands, absorption);
  room.scattering.assign(bands, scattering);
  room.air_per_m.assign(bands, 0.0);
  return room;
}

EnergyDecay decay_of(const SimulatedRoom& room, double length_s) {
  return energy_decay(room.size_m, room.absorption, room.scattering, room.speed_m_s, length_s);
}

std::vector<float> response_of(const SimulatedRoom& room, const SimulationSettings& settings, double length_s,
                               std::uint64_t seed = 1) {
  const Point source{0.31 * room.size_m[0], 0.42 * room.size_m[1], 0.36 * room.size_m[2]},
      receiver{0.72 * room.size_m[0], 0.63 * room.size_m[1], 0.58 * room.size_m[2]};
  return simulate_response(room, decay_of(room, length_s + 0.1), source, receiver,
                           static_cast<std::size_t>(length_s * settings.rate_hz), settings,
                           FractionalDelay(settings.taps, settings.phases), seed);
}

double energy_db(const std::vector<float>& h, double rate_hz, double from_s, double to_s) {
  double sum = 0;
  for (auto n = static_cast<std::size_t>(from_s * rate_hz); n < static_cast<std::size_t>(to_s * rate_hz); ++n)
    sum += static_cast<double>(h[n]) * h[n];
  return 10 * std::log10(sum);
}

TEST(RoomSimulator, TakesTheOctavesThatARateHas) {
  EXPECT_EQ(simulation_bands_hz(16000), (std::vector<double>{125, 250, 500, 1000, 2000, 4000, 8000}));
  EXPECT_EQ(simulation_bands_hz(48000).size(), 8u);
  EXPECT_EQ(simulation_bands_hz(4000), (std::vector<double>{125, 250, 500, 1000, 2000}));
}

TEST(RoomSimulator, ACubeOfEvenWallsRingsAsEyringSays) {
  SimulationSettings settings;
  settings.rate_hz = 16000;
  const SimulatedRoom room = room_of({5, 5, 5}, settings.rate_hz, 0.2, 0.5);
  const double eyring = eyring_time_s(room.size_m, 0.2, room.speed_m_s);
  double sum = 0;
  int count = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto h = response_of(room, settings, 1.2, seed);
    const auto result = acoustics::analyze_channel(acoustics::to_double(h), settings.rate_hz);
    for (const auto& band : result.octaves) {
      if (band.hz < 250 || band.hz > 4000) continue;
      ASSERT_TRUE(band.t30_s) << band.hz;
      EXPECT_NEAR(*band.t30_s / eyring, 1, 0.12) << band.hz;
      sum += *band.t30_s / eyring;
      ++count;
    }
  }
  EXPECT_NEAR(sum / count, 1, 0.04);
}

TEST(RoomSimulator, BandsDecayAsTheirOwnWallsSay) {
  SimulationSettings settings;
  settings.rate_hz = 16000;
  SimulatedRoom room = room_of({6, 5, 3}, settings.rate_hz, 0.2, 0.3);
  for (auto& wall : room.absorption) wall = {0.08, 0.1, 0.13, 0.17, 0.22, 0.28, 0.35};
  const auto decay = decay_of(room, 3);
  const auto result =
      acoustics::analyze_channel(acoustics::to_double(response_of(room, settings, 2.5)), settings.rate_hz);
  for (const auto& band : result.octaves) {
    if (band.hz < 250 || band.hz > 4000) continue;
    const auto b = static_cast<std::size_t>(std::lround(std::log2(band.hz / 125)));
    ASSERT_TRUE(band.t30_s) << band.hz;
    EXPECT_NEAR(*band.t30_s / decay_time_s(decay, b, room.speed_m_s, 0), 1, 0.1) << band.hz;
  }
}

TEST(RoomSimulator, NoiseCarriesOnTheEnergyOfTheImages) {
  SimulationSettings deep, shallow;
  deep.rate_hz = shallow.rate_hz = 16000;
  deep.max_images = 400000;   // 0.4 s
  shallow.max_images = 3000;  // 0.08 s
  SimulatedRoom room = room_of({6, 5, 3}, 16000, 0.1, 0);
  room.jitter_m = 0.1;
  for (int w = 4; w < 6; ++w) room.absorption[w].assign(room.bands(), 0.3);
  const auto images = response_of(room, deep, 0.5), noise = response_of(room, shallow, 0.5);
  for (double t = 0.02; t < 0.3; t += 0.04)
    EXPECT_NEAR(energy_db(images, 16000, t, t + 0.04), energy_db(noise, 16000, t, t + 0.04), 1.0) << t;
  const double volume = volume_m3(room.size_m), expected_s = 0.2;
  const auto decay = decay_of(room, 0.5);
  const double closed = 4 * std::numbers::pi * room.speed_m_s / volume * 0.04 * decay.total(0, 110);
  EXPECT_NEAR(energy_db(images, 16000, expected_s, expected_s + 0.04), 10 * std::log10(closed), 1.0);
}

TEST(RoomSimulator, ScatteringReplacesImagesByNoiseOfTheSameEnergy) {
  SimulationSettings settings;
  settings.rate_hz = 16000;
  SimulatedRoom plain = room_of({5, 5, 5}, 16000, 0.2, 0), rough = room_of({5, 5, 5}, 16000, 0.2, 0.4);
  plain.jitter_m = rough.jitter_m = 0.1;
  const auto a = response_of(plain, settings, 0.6), b = response_of(rough, settings, 0.6);
  EXPECT_NEAR(energy_db(a, 16000, 0, 0.6), energy_db(b, 16000, 0, 0.6), 1.0);
  EXPECT_NEAR(energy_db(a, 16000, 0.1, 0.3), energy_db(b, 16000, 0.1, 0.3), 1.5);
}

TEST(RoomSimulator, DirectSoundHasItsTimeAndLevel) {
  SimulationSettings settings;
  settings.rate_hz = 48000;
  settings.high_pass_hz = 0;
  const SimulatedRoom room = room_of({7, 6, 5}, 48000, 0.9, 0.2);
  const Point source{2, 3, 2.5}, receiver{4.401, 3, 2.5};  // 336 samples
  const auto h = simulate_response(room, decay_of(room, 0.2), source, receiver, 4800, settings, FractionalDelay(), 1);
  EXPECT_NEAR(h[336], 1 / 2.401, 2e-3);
  for (std::size_t n = 0; n < 336 - 41; ++n) ASSERT_EQ(h[n], 0.0f) << n;
}

TEST(RoomSimulator, AirTakesTheHighsByDistance) {
  SimulationSettings settings;
  settings.rate_hz = 48000;
  SimulatedRoom room = room_of({9, 8, 7}, 48000, 0.1, 0.3);
  const auto dry = response_of(room, settings, 0.5);
  room.air_per_m.assign(room.bands(), 0.02);
  const auto damped = response_of(room, settings, 0.5);
  for (std::size_t n = 2000; n < 24000; n += 997)
    EXPECT_NEAR(damped[n], dry[n] * std::exp(-0.01 * room.speed_m_s * static_cast<double>(n) / 48000), 1e-4) << n;
}

TEST(RoomSimulator, HasBothSignsAndNoOffset) {
  SimulationSettings settings;
  settings.rate_hz = 16000;
  const auto h = response_of(room_of({5, 4, 3}, 16000, 0.1, 0.1), settings, 0.8);
  double sum = 0, size = 0;
  int negative = 0;
  for (std::size_t n = 1600; n < h.size(); ++n) {
    sum += h[n];
    size += std::abs(h[n]);
    negative += h[n] < 0;
  }
  EXPECT_LT(std::abs(sum), 0.01 * size);
  EXPECT_NEAR(static_cast<double>(negative) / static_cast<double>(h.size() - 1600), 0.5, 0.05);
}

TEST(RoomSimulator, SeedsDecideAboutEveryBit) {
  SimulationSettings settings;
  settings.rate_hz = 16000;
  SimulatedRoom room = room_of({5, 4, 3}, 16000, 0.1, 0.1);
  room.jitter_m = 0.05;
  EXPECT_EQ(response_of(room, settings, 0.3, 7), response_of(room, settings, 0.3, 7));
  EXPECT_NE(response_of(room, settings, 0.3, 7), response_of(room, settings, 0.3, 8));
}

TEST(RoomSimulator, WithoutTailItIsTheImagesAlone) {
  SimulationSettings settings;
  settings.rate_hz = 16000;
  settings.tail = false;
  settings.max_order = 3;
  const SimulatedRoom room = room_of({5, 4, 3}, 16000, 0.1, 0.4);
  const auto h = response_of(room, settings, 0.3);
  double late = 0;
  for (std::size_t n = 2500; n < h.size(); ++n) late = std::max(late, std::abs(static_cast<double>(h[n])));
  EXPECT_LT(late, 1e-3);  // order 3 ends at 5 * 4 m; what is left is the high-pass
}

TEST(RoomSimulator, RefusesARoomWithOtherBands) {
  SimulationSettings settings;
  settings.rate_hz = 48000;
  EXPECT_THROW(response_of(room_of({5, 4, 3}, 16000, 0.1, 0.1), settings, 0.3), ContractError);
}

}  // namespace
}  // namespace diffverb
