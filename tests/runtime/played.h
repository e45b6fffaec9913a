#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/reference.h"

namespace diffverb::runtime::testing {

using Channels = std::vector<std::vector<float>>;

inline std::shared_ptr<const Model> model_of(const DelayNetworkWeights& weights) {
  LoadResult made = make_model(weights);
  EXPECT_EQ(made.error, "");
  return made.model;
}

/// Calls work() once with every instruction set that this machine has and Highway compiled for, the scalar one included.
/// Returns their names.
template <typename Work>
std::set<std::string> for_each_instruction_set(const Work& work) {
  std::set<std::string> seen;
  std::int64_t targets = hwy::SupportedTargets();
  for (bool last = false; !last;) {
    last = targets == 0;  // no target: the scalar fallback
    hwy::GetChosenTarget().Update(targets & -targets);
    targets &= targets - 1;
    if (seen.insert(Engine::target()).second) work();
  }
  hwy::GetChosenTarget().DeInit();
  return seen;
}

/// Plays through one engine in blocks of the given sizes, again and again.
inline Channels play(Engine& engine, const Channels& input, const std::vector<int>& blocks) {
  Channels output(static_cast<std::size_t>(engine.outputs()), std::vector<float>(input[0].size()));
  std::vector<const float*> in(input.size());
  std::vector<float*> out(output.size());
  std::size_t at = 0;
  for (std::size_t call = 0; at < input[0].size(); ++call) {
    const int frames = static_cast<int>(
        std::min<std::size_t>(static_cast<std::size_t>(blocks[call % blocks.size()]), input[0].size() - at));
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = input[i].data() + at;
    for (std::size_t o = 0; o < out.size(); ++o) out[o] = output[o].data() + at;
    engine.process(in.data(), out.data(), frames);
    at += static_cast<std::size_t>(frames);
  }
  return output;
}

inline double worst_error(const DelayNetworkWeights& w, const Channels& input, const Channels& played) {
  std::vector<std::vector<double>> exact;
  for (const auto& channel : input) exact.emplace_back(channel.begin(), channel.end());
  const auto expected = reference_response(w, exact, static_cast<int>(input[0].size()));
  double peak = 0, error = 0;
  for (std::size_t o = 0; o < expected.size(); ++o) {
    for (std::size_t n = 0; n < expected[o].size(); ++n) {
      peak = std::max(peak, std::abs(expected[o][n]));
      error = std::max(error, std::abs(expected[o][n] - static_cast<double>(played[o][n])));
    }
  }
  EXPECT_GT(peak, 0);
  return error / peak;
}

}  // namespace diffverb::runtime::testing
