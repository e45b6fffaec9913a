#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// How far float32 leads from float64 where a loop hardly decays: A = (1 - distance) times a rotation of 16 lines, rounded
/// to float32 for both; each the largest difference as a share of the largest value.
struct SolverErrors {
  double response = 0, response_gradient = 0;  // frequency_response on 48,001 bins of the unit circle
  double damped = 0, damped_gradient = 0;      // the same on a circle whose alias decays by 30 dB
  double output = 0, output_gradient = 0;      // time_response, 10 s of noise at 48 kHz
};
SolverErrors solver_errors(double distance);

/// From 1e-2 to 1e-7.
std::vector<std::function<BenchResult()>> precision_benches();

}  // namespace diffverb
