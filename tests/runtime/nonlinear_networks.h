#pragma once

#include <algorithm>
#include <cmath>
#include <random>

#include "networks.h"

namespace diffverb::runtime::testing {

/// Squares and `products` of all lines that have a delay, weak enough to fall silent and strong enough to be heard.
inline void add_nonlinear(DelayNetworkWeights& w, int products, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  const auto n = static_cast<std::size_t>(w.lines), ranks = static_cast<std::size_t>(products);
  NonlinearLoop& loop = w.nonlinear;
  loop.rank = products;
  loop.limit = 0.8 + 0.3 * unit(random);
  loop.alpha_min = 0.001, loop.alpha_max = 0.02;
  loop.bias = unit(random), loop.depth = unit(random), loop.rate_hz = 5 * std::abs(unit(random));
  loop.phase_turns = unit(random), loop.slope = unit(random), loop.reference = 0.01, loop.time_s = 0.004;
  const auto takes_part = [&](std::size_t j) { return w.delays[j] > 0 ? 1.0 : 0.0; };
  const double size = 1 / std::sqrt(static_cast<double>(w.lines));
  loop.square.resize(n), loop.out.resize(n * ranks), loop.left.resize(n * ranks), loop.right.resize(n * ranks);
  for (std::size_t j = 0; j < n; ++j) {
    loop.square[j] = static_cast<float>(takes_part(j) * unit(random));
    for (std::size_t r = 0; r < ranks; ++r) {
      loop.out[j * ranks + r] = static_cast<float>(0.01 * takes_part(j) * size * unit(random));
      loop.left[r * n + j] = static_cast<float>(takes_part(j) * size * unit(random));
      loop.right[r * n + j] = static_cast<float>(takes_part(j) * size * unit(random));
    }
  }
}

inline DelayNetworkWeights nonlinear_network(const NetworkSize& size, int products, unsigned seed) {
  DelayNetworkWeights w = random_network(size, seed);
  add_nonlinear(w, products, seed);
  return w;
}

}  // namespace diffverb::runtime::testing
