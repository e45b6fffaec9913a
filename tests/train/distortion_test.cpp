// What changes with the level, and the search for the input that makes a system loudest.
#include "train/distortion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/network/nonlinear_loop.h"
#include "core/solvers/nonlinear_solver.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "tests/core/solvers/nonlinear_fixture.h"
#include "train/network_config.h"
#include "train/worst_input.h"

namespace diffverb {
namespace {

TEST(WorstInput, IsFoundExactlyForALinearSystem) {
  const auto network = random_network({4, 2, 1, 1}, 5, at::kDouble, 5, 60);
  WorstInputSearch search{.inputs = 2, .samples = 500, .size = 0.5, .steps = 6, .seeds = 1};
  const auto worst = find_worst_input([&](const at::Tensor& u) { return time_response(network, u); }, search);
  // The largest output is reached where every sample of the input has the sign of the response that it meets.
  const double exact = 0.5 * impulse_response(network, 500).abs().sum().item<double>();
  EXPECT_NEAR(worst.peak, exact, 1e-9 * exact);
  EXPECT_LE(largest(worst.input), 0.5);
}

/// A loop that loses little, with squares and products that are stronger than that.
struct Hot {
  DelayNetwork network = random_network({4, 1, 1, 1}, 7, at::kDouble, 5, 40);
  NonlinearLoop loop = random_loop(network, 2, 3000, 8);
  double peak(double size, int steps = 16) const {
    return find_worst_input([&](const at::Tensor& u) { return nonlinear_time_response(network, loop, u); },
                            {.inputs = 1, .samples = 3000, .size = size, .steps = steps, .seeds = 3})
        .peak;
  }
};

TEST(WorstInput, BlowsUpALoopWithoutSaturationAndNeverLeavesTheBoundOfOneWithIt) {
  Hot hot;
  hot.loop.alpha_min = 0;
  hot.loop.out = 0.6 * hot.loop.out;
  // What noise alone does is harmless: it is the search that finds the way out.
  hot.loop.saturates = false;
  const double by_noise = hot.peak(2, 0), found = hot.peak(2);
  EXPECT_LT(by_noise, 100);
  EXPECT_GT(found, 1e6);
  hot.loop.saturates = true;
  for (const double size : {0.1, 2.0, 100.0}) {
    const double bound = output_bound(hot.network, hot.loop, size).outputs[0], peak = hot.peak(size);
    EXPECT_LE(peak, bound * (1 + 1e-12)) << size;
    EXPECT_GT(peak, size < 1 ? 0.05 * bound : 0.4 * bound) << size;  // and it is no empty bound
  }
}

TEST(Levels, OfALinearNetworkAreAllAlike) {
  const auto model = playable_model(DIFFVERB_SOURCE_DIR "/configs/reverbs/jot_fdn.yaml",
                                    {"model.modulation_ms=0", "model.decay_s=0.5", "model.lines=4"});
  const auto quiet = measure_level(model, -40), loud = measure_level(model, 20);
  EXPECT_NEAR(*quiet.gain_db, *loud.gain_db, 1e-3);
  EXPECT_NEAR(*quiet.t60_s, *loud.t60_s, 1e-3);
  for (const auto& db : {loud.second_db, loud.third_db, loud.alias_db}) EXPECT_LT(*db, -100);
}

TEST(Levels, OfANonlinearLoopTellHowLoudItIsPlayed) {
  const auto model = playable_model(DIFFVERB_SOURCE_DIR "/configs/reverbs/nonlinear_fdn.yaml", {"model.decay_s=0.5"});
  const auto quiet = measure_level(model, -40), loud = measure_level(model, 20);
  EXPECT_LT(*loud.gain_db, *quiet.gain_db - 6);     // saturated
  EXPECT_GT(*loud.third_db, *quiet.third_db + 40);  // a cube
  EXPECT_GT(*quiet.second_db, *quiet.third_db);     // a square is what there is at first
  EXPECT_LT(*quiet.second_db, -60);
  EXPECT_LT(*quiet.alias_db, -100);
}

}  // namespace
}  // namespace diffverb
