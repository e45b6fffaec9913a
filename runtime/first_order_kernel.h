#pragma once

#include <cmath>

namespace diffverb::runtime {

/// A filter of the first order, y(n) = b0 x(n) + z, z = b1 x(n) + p y(n), played a vector of samples at once: a grid of
/// samples, counted from reset() on, follows from the state before it and its input, by a scan of log2(grid) steps.
template <typename T>
struct FirstOrder {
  static constexpr int kMostGrid = 64 / sizeof(T), kMostSteps = 4;

  FirstOrder() = default;
  FirstOrder(double gain, double late_gain, double pole)
      : b0(static_cast<T>(gain)), b1(static_cast<T>(late_gain)), p(static_cast<T>(pole)) {
    for (int n = 0; n <= kMostGrid; ++n) powers[n] = static_cast<T>(std::pow(pole, n));
    for (int n = 0; n < kMostGrid; ++n) {
      feed[n] = n == 0 ? 0 : b1;
      for (int step = 0; step < kMostSteps; ++step) scan[step][n] = n < 1 << step ? 0 : powers[1 << step];
    }
  }
  void reset() {
    z = 0;
    position = 0;
  }

  T b0 = 1, b1 = 0, p = 0;
  T feed[kMostGrid] = {};              // b1, but 0 first
  T scan[kMostSteps][kMostGrid] = {};  // p^s for steps s = 1, 2, 4, 8, but 0 in the first s places
  T powers[kMostGrid + 1] = {};        // p^n
  T z = 0;                             // before the samples of the grid
  T so_far[kMostGrid] = {};            // input of a part of the grid
  int position = 0;                    // in the grid
};

/// In place.
void run_first_order(FirstOrder<float>& filter, float* x, int frames);
void run_first_order(FirstOrder<double>& filter, double* x, int frames);

}  // namespace diffverb::runtime
