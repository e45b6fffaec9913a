#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "runtime/response_bank.h"

namespace diffverb::runtime::testing {

/// Noise that decays, at 3 x 2 x 1 points.
inline ResponseBank small_bank(int samples = 300) {
  ResponseBank bank;
  bank.sample_rate_hz = 16000;
  bank.axes = {std::vector<double>{-2, 0, 2}, {-1, 1}, {0}};
  bank.samples = samples;
  bank.provenance = R"({"source": "noise", "licence": "none"})";
  std::mt19937 random(7);
  for (int row = 0; row < 12; ++row) {
    for (int n = 0; n < samples; ++n) {
      const double noise = static_cast<double>(random()) / 4294967296.0 - 0.5;
      bank.responses.push_back(static_cast<float>(noise * std::exp(-3.0 * n / samples)));
    }
  }
  return bank;
}

}  // namespace diffverb::runtime::testing
