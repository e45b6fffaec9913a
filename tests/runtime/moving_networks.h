#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <vector>

#include "networks.h"

namespace diffverb::runtime::testing {

/// Some motions for every line that has a delay of 4 samples or more, together no deeper than `deepest`.
inline void add_motions(DelayNetworkWeights& w, int a_line, double deepest, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int j = 0; j < w.lines; ++j) {
    const double room = std::min(deepest, w.delays[static_cast<std::size_t>(j)] - 3.0) / a_line;
    for (int k = 0; room > 0 && k < a_line; ++k) {
      w.delay_motions.push_back(
          {j, room * (2 * unit(random) - 1), 0.1 * std::pow(500, unit(random)), unit(random), 3 * unit(random)});
    }
  }
}

enum class Turn { kBetweenTwo, kBesideIdentity, kEigenvalues };

inline std::vector<float> orthogonal(int n, unsigned seed) {
  std::vector<float> q = random_network({n, 1, 1, 0, 0, 0, 7, 9}, seed).A;
  for (float& x : q) x /= 0.95f;
  return q;
}

/// A, which has to be what the turning matrix is at rest.
inline void put_at_rest(DelayNetworkWeights& w) {
  const auto n = static_cast<std::size_t>(w.lines);
  w.A.assign(n * n, 0.0f);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t p = 0; p < w.turning.size(); ++p) {
        const bool alone = 2 * p + 1 == n;
        const double angle = alone ? 0 : 2 * std::numbers::pi * w.turning[p].angle_turns;
        const double c = w.turning[p].radius * std::cos(angle), s = w.turning[p].radius * std::sin(angle);
        const double right_a = w.turn_right[2 * p * n + k], right_b = alone ? 0 : w.turn_right[(2 * p + 1) * n + k];
        const double left_a = w.turn_left[j * n + 2 * p], left_b = alone ? 0 : w.turn_left[j * n + 2 * p + 1];
        sum += left_a * (c * right_a - s * right_b) + left_b * (s * right_a + c * right_b);
      }
      w.A[j * n + k] = static_cast<float>(sum);
    }
  }
}

/// A network of a size whose matrix turns between orthogonal ones, and loses `loss` at each turn.
inline DelayNetworkWeights turning_network(const NetworkSize& size, Turn kind, float loss, unsigned seed) {
  DelayNetworkWeights w = random_network(size, seed);
  const auto n = static_cast<std::size_t>(size.lines);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  w.turn_left = orthogonal(size.lines, seed + 1);
  if (kind == Turn::kBetweenTwo) w.turn_right = orthogonal(size.lines, seed + 2);
  if (kind != Turn::kBetweenTwo) w.turn_right.assign(n * n, 0.0f);
  for (std::size_t i = 0; i < n && kind == Turn::kBesideIdentity; ++i) w.turn_right[i * (n + 1)] = 1;
  for (std::size_t i = 0; i < n * n && kind == Turn::kEigenvalues; ++i)
    w.turn_right[i] = w.turn_left[i % n * n + i / n];
  for (float& x : w.turn_left) x *= 1 - loss;
  for (std::size_t p = 0; p < (n + 1) / 2; ++p) {
    TurningPair& pair = w.turning.emplace_back();
    pair.angle_turns = unit(random) - 0.5;
    if (p % 3 != 1) pair.turn_hz = 4 * unit(random) - 2;
    if (p % 4 != 2) pair.angle_depth_turns = 0.4 * unit(random), pair.angle_rate_hz = 20 * unit(random);
    pair.angle_phase_turns = unit(random);
    if (loss == 0 || p % 2 == 1) continue;
    pair.radius = 0.9, pair.radius_depth = 0.3 * unit(random), pair.radius_rate_hz = 9 * unit(random);
    pair.radius_phase_turns = unit(random);
  }
  put_at_rest(w);
  return w;
}

/// `count` responses from each input to each output, between which sines move: in front of them, and behind them too.
inline DelayNetworkWeights moving_responses(int count, int inputs, int outputs, int samples, bool after,
                                            unsigned seed) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.inputs = inputs, w.outputs = outputs;
  w.D.assign(static_cast<std::size_t>(inputs * outputs), 0.0f);
  w.moving.count = count, w.moving.samples = samples;
  for (const auto& row : noise(count * inputs * outputs, samples, seed))
    w.moving.taps.insert(w.moving.taps.end(), row.begin(), row.end());
  for (int r = 0; r < count; ++r) {
    w.moving.means.insert(w.moving.means.end(), {0.5 + 0.1 * r, 1 - 0.2 * r});
    w.moving.sines.push_back({r, false, 0.4, 3.0 + r, 0.1 * r});
    w.moving.sines.push_back({r, false, 0.2, 17.0 + 5 * r, 0.3});
    if (after && r > 0) w.moving.sines.push_back({r, true, 0.7, 11.0 - r, 0.25});
  }
  return w;
}

}  // namespace diffverb::runtime::testing
