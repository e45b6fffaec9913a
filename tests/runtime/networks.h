#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime::testing {

/// A peaking section of the audio EQ cookbook; `gain_db` < 0 only cuts.
inline void add_peak(std::vector<double>& sos, double hz, double q, double gain_db, double rate_hz) {
  const double a = std::pow(10, gain_db / 40), w = 2 * std::numbers::pi * hz / rate_hz, alpha = std::sin(w) / (2 * q);
  const double a0 = 1 + alpha / a;
  for (const double c : {1 + alpha * a, -2 * std::cos(w), 1 - alpha * a, -2 * std::cos(w), 1 - alpha / a})
    sos.push_back(c / a0);
}

/// Lines without filters from their matrix; all take the input and are heard.
inline DelayNetworkWeights network_of(std::vector<float> a, std::vector<std::int32_t> delays) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.lines = static_cast<int>(delays.size());
  w.inputs = w.outputs = 1;
  w.A = std::move(a);
  w.delays = std::move(delays);
  w.B.assign(w.delays.size(), 1);
  w.C.assign(w.delays.size(), 1);
  w.D = {0};
  return w;
}

struct NetworkSize {
  int lines = 4, inputs = 1, outputs = 2, line_sections = 3, output_sections = 5, early_samples = 200;
  int shortest = 7, longest = 90;
};

/// A random network of a size, with a reflected rotation as feedback matrix (orthogonal, then scaled to 0.95) and cuts
/// as line filters, so that it is stable by construction.
inline DelayNetworkWeights random_network(const NetworkSize& size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> unit(0, 1);
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.early_ms = size.early_samples / 48.0;
  w.lines = size.lines, w.inputs = size.inputs, w.outputs = size.outputs;
  w.line_sections = size.line_sections, w.output_sections = size.output_sections, w.early_samples = size.early_samples;
  const auto n = static_cast<std::size_t>(size.lines);
  std::vector<double> v(n);
  double power = 0;
  for (double& x : v) {
    x = normal(random);
    power += x * x;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double turned = i == (j + 1) % n ? 1.0 : 0.0;
      w.A.push_back(static_cast<float>(0.95 * (turned - 2 * v[i] * v[(j + 1) % n] / power)));
    }
    w.delays.push_back(size.shortest + static_cast<int>(unit(random) * (size.longest - size.shortest)));
    for (int k = 0; k < size.line_sections; ++k) {
      add_peak(w.line_sos, 30 * std::pow(600, unit(random)), 0.3 + 3 * unit(random), -4 * unit(random), 48000);
    }
  }
  w.delays[0] = size.shortest;
  const auto fill = [&](std::vector<float>& values, std::size_t count, double scale) {
    for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(scale * normal(random)));
  };
  const auto inputs = static_cast<std::size_t>(size.inputs), outputs = static_cast<std::size_t>(size.outputs);
  fill(w.B, n * inputs, 0.5);
  fill(w.C, outputs * n, 0.5);
  fill(w.D, outputs * inputs, 0.5);
  fill(w.early, outputs * inputs * static_cast<std::size_t>(size.early_samples), 0.1);
  for (int k = 0; k < size.outputs * size.output_sections; ++k) {
    add_peak(w.output_sos, 30 * std::pow(600, unit(random)), 4.3, 6 * normal(random), 48000);
  }
  return w;
}

/// A random network of anything that has a structure: filter lines, taps (lines beside others), sparse rows, loops of
/// their own in series and side by side, short delays before long ones, filters in some lines. Stable because what a
/// line takes in is never louder than 0.9 of all the others together, and because filters only cut.
inline DelayNetworkWeights random_structure(int lines, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  const auto chance = [&](double share) { return std::uniform_real_distribution<double>(0, 1)(random) < share; };
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.lines = lines, w.inputs = 1 + below(3), w.outputs = 1 + below(4), w.line_sections = below(4);
  const auto n = static_cast<std::size_t>(lines), inputs = static_cast<std::size_t>(w.inputs);
  const auto row_of = [](auto& values, std::size_t j, std::size_t length) {
    return values.begin() + static_cast<std::ptrdiff_t>(j * length);
  };
  w.A.assign(n * n, 0.0f), w.B.assign(n * inputs, 0.0f);
  const double feed_forward = 0.02 + 0.3 * below(3), feed_back = 0.02 + 0.3 * below(3);
  for (std::size_t j = 0; j < n; ++j) {
    const int kind = below(4);
    w.delays.push_back(kind == 0 ? 0 : kind == 1 ? 1 + below(20) : kind == 2 ? 40 + below(200) : 200 + below(700));
    for (int k = 0; k < w.line_sections; ++k) {
      if (chance(0.5))
        add_peak(w.line_sos, 30 * std::pow(600, 0.001 * below(1000)), 0.3 + below(4), -0.004 * below(1000), 48000);
      else
        w.line_sos.insert(w.line_sos.end(), {1, 0, 0, 0, 0});
    }
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      if (!chance(k < j ? feed_forward : feed_back)) continue;
      w.A[j * n + k] = static_cast<float>(normal(random));
      sum += std::abs(static_cast<double>(w.A[j * n + k]));
    }
    for (std::size_t k = 0; sum > 0 && k < n; ++k) w.A[j * n + k] *= static_cast<float>(0.9 / sum);
    for (std::size_t i = 0; i < inputs; ++i) w.B[j * inputs + i] = chance(0.4) ? static_cast<float>(normal(random)) : 0;
    if (j == 0 || !chance(0.3)) continue;
    const auto from = static_cast<std::size_t>(below(static_cast<int>(j)));  // a tap
    std::copy_n(row_of(w.A, from, n), n, row_of(w.A, j, n));
    std::copy_n(row_of(w.B, from, inputs), inputs, row_of(w.B, j, inputs));
    const auto length = static_cast<std::size_t>(w.line_sections) * 5;
    std::copy_n(row_of(w.line_sos, from, length), length, row_of(w.line_sos, j, length));
  }
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = j; k < n; ++k) {  // a filter line takes from earlier filter lines only
      if (w.delays[j] == 0 && w.delays[k] == 0) w.A[j * n + k] = 0;
    }
  }
  w.B[0] = 1;
  const auto gain = [&] { return chance(0.6) ? static_cast<float>(normal(random)) : 0.0f; };
  for (std::size_t i = 0; i < static_cast<std::size_t>(w.outputs) * n; ++i) w.C.push_back(gain());
  for (std::size_t i = 0; i < static_cast<std::size_t>(w.outputs) * inputs; ++i) w.D.push_back(gain());
  w.C[0] = 1;
  return w;
}

inline std::vector<std::vector<float>> noise(int channels, int frames, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.3f);
  std::vector<std::vector<float>> rows(static_cast<std::size_t>(channels),
                                       std::vector<float>(static_cast<std::size_t>(frames)));
  for (auto& row : rows) std::generate(row.begin(), row.end(), [&] { return normal(random); });
  return rows;
}

}  // namespace diffverb::runtime::testing
