#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <span>
#include <string>

#include "networks.h"
#include "runtime/pyfdn_file.h"

namespace diffverb::runtime::testing {

inline LoadResult load_text(const std::string& text) {
  const LoadResult loaded = load_model(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  EXPECT_EQ(loaded.error.empty(), loaded.model != nullptr);
  EXPECT_EQ(loaded.error.find('\n'), std::string::npos);
  return loaded;
}

/// Cuts, for `channels` channels.
inline PyfdnBuild::Bank cuts(int channels, int sections, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  PyfdnBuild::Bank bank{sections, {}};
  for (int i = 0; i < channels * sections; ++i)
    add_peak(bank.sos, 60 * std::pow(200, unit(random)), 0.5 + unit(random), -3 * unit(random), 48000);
  return bank;
}

/// Several inputs and outputs, filters everywhere; the second line is not driven, the third has a gain after the
/// matrix.
inline PyfdnBuild full_build() {
  const DelayNetworkWeights w = random_network({5, 2, 3, 0, 0, 0, 9, 80}, 11);
  PyfdnBuild b;
  b.sample_rate_hz = 48000;
  b.lines = 5, b.inputs = 2, b.outputs = 3;
  b.A = {w.A.begin(), w.A.end()};
  b.B = {w.B.begin(), w.B.end()};
  b.C = {w.C.begin(), w.C.end()};
  b.D = {w.D.begin(), w.D.end()};
  b.delays = w.delays;
  b.B[2] = b.B[3] = 0;
  b.post_delay = cuts(5, 2, 1);
  b.post_matrix = cuts(5, 3, 2);
  for (int k = 0; k < 3; ++k) {
    double* section = b.post_matrix.sos.data() + 5 * (2 * 3 + k);
    std::fill(section, section + 5, 0.0);
    section[0] = 0.9;
  }
  b.post_output = cuts(3, 4, 3);
  b.metadata = R"({"name":"full","license":"MIT"})";
  return b;
}

}  // namespace diffverb::runtime::testing
