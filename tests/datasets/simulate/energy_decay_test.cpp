#include "datasets/simulate/energy_decay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/seed.h"
#include "datasets/simulate/air.h"

namespace diffverb {
namespace {

constexpr double kSpeed = 343;

std::array<std::vector<double>, 6> even(double absorption) {
  std::array<std::vector<double>, 6> walls;
  for (auto& wall : walls) wall = {absorption};
  return walls;
}

double time_of(const Point& size, const std::array<std::vector<double>, 6>& walls, double scattering,
               double length_s = 4) {
  return decay_time_s(energy_decay(size, walls, {scattering}, kSpeed, length_s), 0, kSpeed, 0);
}

TEST(EnergyDecay, FollowsEyringInACubeOfEvenWallsThatScatter) {
  const Point cube{5, 5, 5};
  for (const double absorption : {0.05, 0.1, 0.3, 0.6}) {
    const double eyring = eyring_time_s(cube, absorption, kSpeed);
    EXPECT_NEAR(time_of(cube, even(absorption), 0.9) / eyring, 1, 0.03) << absorption;
  }
  EXPECT_NEAR(time_of(cube, even(0.03), 0.9) / sabine_time_s(cube, 0.03, kSpeed), 1, 0.03);
}

// Directions along an axis meet fewer walls than the mean: their sound is what is left in the end.
TEST(EnergyDecay, OutlastsEyringBySevenPercentInACubeWhereNothingScatters) {
  for (const double absorption : {0.1, 0.4})
    EXPECT_NEAR(time_of({5, 5, 5}, even(absorption), 0) / eyring_time_s({5, 5, 5}, absorption, kSpeed), 1.07, 0.01);
}

TEST(EnergyDecay, OutlastsEyringWhereAbsorptionIsUnevenAndNothingScatters) {
  auto walls = even(0.02);
  walls[4] = walls[5] = {0.6};  // a flat room with a carpet and a soft ceiling
  const Point size{8, 6, 3};
  const auto shares = wall_shares(size);
  const double mean = 0.6 * (shares[4] + shares[5]) + 0.02 * (1 - shares[4] - shares[5]);
  const double eyring = eyring_time_s(size, mean, kSpeed);
  EXPECT_GT(time_of(size, walls, 0), 2 * eyring);
  EXPECT_LT(time_of(size, walls, 0.5), 1.4 * eyring);
  EXPECT_GT(time_of(size, walls, 0.5), 0.95 * eyring);
}

TEST(EnergyDecay, IsTheMeanEnergyOfTheImages) {
  Shoebox room;
  room.size_m = {4, 5, 3};
  const std::array<double, 6> absorption{0.1, 0.2, 0.05, 0.3, 0.5, 0.15};
  std::array<std::vector<double>, 6> walls;
  for (int w = 0; w < 6; ++w) {
    walls[w] = {absorption[w]};
    room.reflection[w] = {std::sqrt(1 - absorption[w])};
  }
  const double step_s = 0.01, length_s = 0.2, rate = 16000;
  const auto decay = energy_decay(room.size_m, walls, {0.0}, kSpeed, length_s, step_s);
  // The energy of one image after the other: amplitudes squared, so that none of them interfere.
  std::vector<double> energy(20, 0.0);
  Random random(1);
  constexpr int kPlaces = 200;
  for (int i = 0; i < kPlaces; ++i) {
    for (int a = 0; a < 3; ++a) {
      room.source_m[a] = random.uniform(0, room.size_m[a]);
      room.receiver_m[a] = random.uniform(0, room.size_m[a]);
    }
    Shoebox squares = room;
    for (auto& wall : squares.reflection) wall = {wall[0] * wall[0]};
    ImageLimits limits;
    limits.max_distance_m = kSpeed * length_s;
    const auto train = image_source(squares, limits, FractionalDelay(), 3200, rate);  // sum of beta^2 / d
    for (std::size_t n = 0; n < 3200; ++n) {
      const double distance = (static_cast<double>(n) + 0.5) / rate * kSpeed;
      energy[n / 160] += train.band(0)[train.lead + n] / distance / kPlaces;
    }
  }
  const double scale = 4 * std::numbers::pi * kSpeed / volume_m3(room.size_m) * step_s;
  for (std::size_t k = 3; k < 19; ++k) {
    const double expected = scale * 0.5 * (decay.specular[k] + decay.specular[k + 1]);
    EXPECT_NEAR(10 * std::log10(energy[k] / expected), 0, 0.3) << k;
  }
}

TEST(EnergyDecay, ScatteringLosesNoEnergy) {
  const auto decay = energy_decay({3, 4, 5}, even(0), {0.4}, kSpeed, 0.5);
  for (std::size_t t = 0; t < decay.steps; t += 25) EXPECT_NEAR(decay.total(0, t), 1, 1e-9);
  EXPECT_LT(decay.specular[decay.steps - 1], 1e-6);
  EXPECT_EQ(decay_time_s(decay, 0, kSpeed, 0), 0);  // no decay, no time
}

TEST(EnergyDecay, RefusesWhatIsNoAbsorption) {
  EXPECT_THROW(energy_decay({3, 4, 5}, even(1.2), {0.0}, kSpeed, 1), ContractError);
  EXPECT_THROW(energy_decay({3, 4, 5}, even(0.2), {1.0}, kSpeed, 1), ContractError);
  EXPECT_THROW(energy_decay({3, 4, 5}, even(0.2), {0.0}, kSpeed, -1), ContractError);
}

// ISO 9613-2 table 2 prints what ISO 9613-1 gives, in dB/km.
TEST(Air, AttenuatesAsTheStandardPrints) {
  const auto db_per_km = [](double celsius, double humidity, double hz) {
    return 1000 * 10 * std::numbers::log10e * air_absorption_per_m({celsius, humidity, 101.325}, hz);
  };
  double hz[7];  // the exact midband frequencies, which the table is for
  for (int i = 0; i < 7; ++i) hz[i] = 1000 * std::pow(10, 0.3 * (i - 3));
  const double at_20_70[] = {0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6}, at_10_70[] = {0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117};
  for (int i = 0; i < 7; ++i) {
    EXPECT_NEAR(db_per_km(20, 70, hz[i]), at_20_70[i], 0.05 + 0.01 * at_20_70[i]) << hz[i];
    EXPECT_NEAR(db_per_km(10, 70, hz[i]), at_10_70[i], 0.05 + 0.01 * at_10_70[i]) << hz[i];
  }
  EXPECT_NEAR(speed_of_sound_m_s({}), 343.2, 0.1);
}

}  // namespace
}  // namespace diffverb
