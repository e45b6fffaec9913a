#include "datasets/measure/denoise.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/acoustics/analysis.h"
#include "datasets/measure/decay_in_noise.h"
#include "tests/datasets/measure/simulated_recording.h"
#include "tests/rooms.h"

namespace diffverb {
namespace {

constexpr double kNoise = 1e-3;

/// Energies of blocks of a decay in noise; each is the mean of so many squared normal numbers.
std::vector<double> noisy_decay(double first, double rate, double noise, std::size_t blocks, int samples) {
  Random random(4, "decay");
  std::vector<double> out(blocks, 0.0);
  for (std::size_t n = 0; n < blocks; ++n) {
    for (int i = 0; i < samples; ++i)
      out[n] += (first * std::exp(-rate * static_cast<double>(n)) + noise) * std::pow(random.normal(), 2) / samples;
  }
  return out;
}

TEST(DecayInNoise, FollowsADecayThatIsKnownBelowItsNoise) {
  const DecayInNoise found = find_decay_in_noise(noisy_decay(1, 0.25, kNoise, 80, 50), kNoise, 0);
  EXPECT_NEAR(static_cast<double>(found.knee), std::log(1 / kNoise) / 0.25, 3);
  ASSERT_TRUE(found.course);
  EXPECT_NEAR(found.course->rate, 0.25, 0.02);
  const auto knee = static_cast<double>(found.knee);
  EXPECT_NEAR(std::log(found.course->energy_at(knee)) + 0.25 * knee, 0, 0.3);
}

TEST(DecayInNoise, SaysNothingOfWhatDoesNotStandOutOfTheNoise) {
  const DecayInNoise faint = find_decay_in_noise(noisy_decay(4 * kNoise, 0.1, kNoise, 80, 50), kNoise, 0);
  EXPECT_LT(faint.knee, 80);
  EXPECT_FALSE(faint.course);
  const DecayInNoise endless = find_decay_in_noise(noisy_decay(1, 0.01, kNoise, 80, 50), kNoise, 0);
  EXPECT_EQ(endless.knee, 80);
  EXPECT_FALSE(endless.course);
}

SimulatedRecording room_in_noise(double t60_s, double snr_db) {
  NoiseRoom room;
  room.t60_s = t60_s;
  room.floor_db = -200;
  SimulatedRecording out{room.tensor()[0]};
  out.snr_db = snr_db;
  return out;
}

TEST(Denoised, HasFarLessNoiseAndTheSameDirectSound) {
  const Sweep sweep = short_sweep("ess", 4, 1);
  const SimulatedRecording room = room_in_noise(0.15, 20);
  const auto found = measure(sound_of(room.of(sweep), 16000), sweep).channels[0];
  ASSERT_TRUE(found.noise.defined());
  const auto clean = denoised(found.response, found.noise, 16000);
  EXPECT_LT(response_error_db(clean, room.response, sweep),
            response_error_db(found.response, room.response, sweep) - 6);
  EXPECT_NEAR(clean.abs().max().item<double>() / found.response.abs().max().item<double>(), 1, 0.1);
  // Without noise nothing is taken.
  EXPECT_LT(
      (denoised(found.response, at::zeros({2049}, at::kDouble), 16000) - found.response).abs().max().item<double>(),
      1e-12);
}

TEST(Denoised, DecaysOnAsItDidAboveTheNoise) {
  const Sweep sweep = short_sweep("ess", 4, 1);
  const SimulatedRecording room = room_in_noise(0.4, 25);
  const auto found = measure(sound_of(room.of(sweep), 16000), sweep).channels[0];
  const auto octaves = [](const at::Tensor& response) {
    const auto values = response.slice(0, 0, 12000).contiguous();
    return acoustics::analyze_channel({values.const_data_ptr<double>(), static_cast<std::size_t>(values.size(0))},
                                      16000)
        .octaves;
  };
  const auto truth = octaves(room.response), with_noise = octaves(found.response),
             without = octaves(denoised(found.response, found.noise, 16000));
  bool lacks_t30 = false;
  for (std::size_t k = 0; k < truth.size(); ++k) {
    if (truth[k].hz < 250 || truth[k].hz > 4000) continue;
    lacks_t30 |= !with_noise[k].t30_s;
    ASSERT_TRUE(without[k].t30_s) << truth[k].hz;
    EXPECT_NEAR(*without[k].t30_s / *truth[k].t30_s, 1, 0.05) << truth[k].hz;
    EXPECT_NEAR(*without[k].edt_s / *truth[k].edt_s, 1, 0.02) << truth[k].hz;
    EXPECT_NEAR(*without[k].c80_db, *truth[k].c80_db, 0.2) << truth[k].hz;
  }
  EXPECT_TRUE(lacks_t30);  // else nothing is shown here
}

TEST(Denoised, LeavesWhatIsShorterThanItsBlocks) {
  for (const std::int64_t samples : {1, 40, 200, 300}) {
    const auto response = noise_of(samples, 8);
    const auto out = denoised(response, 1e-6 * at::ones({2049}, at::kDouble), 16000);
    ASSERT_EQ(out.size(0), samples);
    EXPECT_LT((out - response).abs().max().item<double>(), 0.05) << samples;
  }
}

TEST(Denoised, LeavesWhatIsNothingButNoise) {
  // A response without any decay: nobody can say what in it is not noise.
  const auto noise = noise_of(16000, 6);
  const auto out = denoised(noise, at::ones({2049}, at::kDouble), 16000);
  EXPECT_LT((out - noise).square().mean().item<double>(), 0.05);
}

}  // namespace
}  // namespace diffverb
