// What moves while it plays, exported: the engine plays what NetworkModel::play plays.
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <ostream>

#include "core/network/line_motion.h"
#include "core/tensor.h"
#include "runtime/render.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/plain_reverb.h"
#include "train/export.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

/// Of configs/reverbs, and what is changed in it.
struct Moving {
  std::string config;
  std::vector<std::string> overlays;

  friend void PrintTo(const Moving& moving, std::ostream* out) { *out << moving.config; }
};

std::unique_ptr<NetworkModel> model_of(const Moving& moving) {
  Fields fields = Fields::from_file(DIFFVERB_SOURCE_DIR "/configs/reverbs/" + moving.config + ".yaml", moving.overlays);
  Fields map = fields.map("model");
  std::unique_ptr<Model> model = family<Model>().make(map);
  return std::unique_ptr<NetworkModel>(dynamic_cast<NetworkModel*>(model.release()));
}

runtime::DelayNetworkWeights weights_of(const Moving& moving) {
  return network_of_config(DIFFVERB_SOURCE_DIR "/configs/reverbs/" + moving.config + ".yaml", moving.overlays);
}

class MovingExport : public testing::TestWithParam<Moving> {};

TEST_P(MovingExport, TheEnginePlaysWhatTheModelPlays) {
  const at::NoGradGuard no_grad;
  const auto model = model_of(GetParam());
  const auto weights = weights_of(GetParam());
  ASSERT_TRUE(weights.moves());
  const auto loaded = runtime::make_model(weights);
  ASSERT_TRUE(loaded.model) << loaded.error;

  // A second of noise that grows from silence to loud, so that motions blend, then a second of tail.
  const double rate = model->sample_rate_hz();
  const auto samples = static_cast<std::int64_t>(2 * rate);
  auto input = at::zeros({model->network(rate).inputs(), samples});
  input.slice(1, 0, samples / 2) =
      uniform({input.size(0), samples / 2}, -0.7, 0.7, 12) * at::linspace(-60, 0, samples / 2).div(20).exp2();
  const auto played = model->play(input.to(at::kDouble), loudness_level(input, rate));

  std::vector<std::vector<float>> channels;
  for (std::int64_t i = 0; i < input.size(0); ++i) {
    const auto row = input[i].contiguous();
    channels.emplace_back(row.const_data_ptr<float>(), row.const_data_ptr<float>() + samples);
  }
  const auto heard = runtime::render(loaded.model, channels, 0, 333);
  ASSERT_EQ(static_cast<std::int64_t>(heard.size()), played.size(0));
  for (std::int64_t o = 0; o < played.size(0); ++o) {
    const auto engine = at::tensor(heard[static_cast<std::size_t>(o)]).slice(0, 0, samples).to(at::kDouble);
    EXPECT_LT(largest(engine - played[o]), 1e-4 * largest(played)) << "output " << o;
  }
  const auto still = time_response(model->network(rate, at::kDouble), input.to(at::kDouble));
  EXPECT_GT(relative_error(played, still), 1e-2) << "it should be heard that it moves";
}

TEST_P(MovingExport, TheWeightsHoldEveryMotion) {
  const at::NoGradGuard no_grad;
  const auto model = model_of(GetParam());
  const auto weights = weights_of(GetParam());
  const auto moves = model->motion(model->sample_rate_hz());
  std::size_t given = 0;
  for (const auto& motion : moves) {
    const double depth = motion.depth_samples.tensor().item<double>();
    if (depth == 0) continue;
    ASSERT_LT(given, weights.delay_motions.size());
    const auto& there = weights.delay_motions[given++];
    EXPECT_EQ(there.line, motion.line);
    EXPECT_EQ(there.depth_samples, depth);
    EXPECT_EQ(there.rate_hz, motion.rate_hz);
    EXPECT_EQ(there.phase_turns, motion.phase_turns);
    EXPECT_EQ(there.noise_phase_turns, motion.noise_phase_turns);
  }
  EXPECT_EQ(given, weights.delay_motions.size());
  const auto turning = model->turning(model->sample_rate_hz());
  ASSERT_EQ(static_cast<std::int64_t>(weights.turning.size()), turning ? turning->pairs() : 0);
  if (!turning) return;
  for (std::size_t p = 0; p < weights.turning.size(); ++p) {
    const auto at_pair = [&](const at::Tensor& values) { return values[static_cast<std::int64_t>(p)].item<double>(); };
    const auto& pair = weights.turning[p];
    EXPECT_EQ(pair.radius, at_pair(turning->radius));
    EXPECT_EQ(pair.radius_depth, at_pair(turning->radius_depth));
    EXPECT_EQ(pair.radius_rate_hz, at_pair(turning->radius_rate_hz));
    EXPECT_EQ(pair.radius_phase_turns, at_pair(turning->radius_phase_turns));
    EXPECT_EQ(pair.angle_turns, at_pair(turning->angle_turns));
    EXPECT_EQ(pair.angle_depth_turns, at_pair(turning->angle_depth_turns));
    EXPECT_EQ(pair.angle_rate_hz, at_pair(turning->angle_rate_hz));
    EXPECT_EQ(pair.angle_phase_turns, at_pair(turning->angle_phase_turns));
    EXPECT_EQ(pair.turn_hz, at_pair(turning->turn_hz));
  }
  // A stands where T is at rest.
  const std::int64_t n = weights.lines;
  const auto matrix = [&](const std::vector<float>& values) { return at::tensor(values).reshape({n, n}); };
  auto rest = still_matrix(matrix(weights.turn_left), matrix(weights.turn_right));
  rest.radius = turning->radius;
  rest.angle_turns = turning->angle_turns;
  EXPECT_LT(largest(at_rest(rest) - matrix(weights.A)), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Contract, MovingExport,
                         testing::Values(Moving{"jot_fdn", {}},
                                         Moving{"jot_fdn", {"model.modulation_sines=8", "model.modulation_ms=0.6"}},
                                         Moving{"rotating_fdn", {}},
                                         Moving{"rotating_fdn", {"model.lines=7", "model.modulation_ms=0.2"}},
                                         Moving{"dynamic_eigenvalues", {}}, Moving{"lexicon224", {}},
                                         Moving{"lexicon224", {"model.chorus_sines=6"}}, Moving{"dattorro", {}}),
                         [](const auto& info) { return info.param.config + "_" + std::to_string(info.index); });

}  // namespace
}  // namespace diffverb
