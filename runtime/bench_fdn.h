#pragma once

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime::bench {

enum class Attenuation { kTwoShelves, kTenBands };

struct FdnSize {
  int lines = 16, inputs = 2;
  Attenuation attenuation = Attenuation::kTenBands;
  int output_sections = 25, early_samples = 3840;
};

/// Appends a section, its gains over a0.
inline void add_section(std::vector<double>& sos, double b0, double b1, double b2, double a0, double a1, double a2) {
  sos.insert(sos.end(), {b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0});
}

/// A peaking section of the audio EQ cookbook.
inline void add_peak(std::vector<double>& sos, double hz, double q, double gain_db, double rate_hz) {
  const double a = std::pow(10, gain_db / 40), w = 2 * std::numbers::pi * hz / rate_hz, alpha = std::sin(w) / (2 * q);
  const double c = -2 * std::cos(w);
  add_section(sos, 1 + alpha * a, c, 1 - alpha * a, 1 + alpha / a, c, 1 - alpha / a);
}

/// A shelf of the audio EQ cookbook, slope 1: `high` above the corner, else below it.
inline void add_shelf(std::vector<double>& sos, double hz, bool high, double gain_db, double rate_hz) {
  const double a = std::pow(10, gain_db / 40), w = 2 * std::numbers::pi * hz / rate_hz, s = high ? -1 : 1;
  const double c = s * std::cos(w), alpha = std::sqrt(2 * a) * std::sin(w);  // 2 sqrt(a) alpha of the cookbook
  add_section(sos, a * (a + 1 - (a - 1) * c + alpha), s * 2 * a * (a - 1 - (a + 1) * c),
              a * (a + 1 - (a - 1) * c - alpha), a + 1 + (a - 1) * c + alpha, -s * 2 * (a - 1 + (a + 1) * c),
              a + 1 + (a - 1) * c - alpha);
}

/// The product of as many reflections as there are lines: nothing of it is 0, and it has no structure that is cheaper.
inline std::vector<double> dense_orthogonal(int lines, std::mt19937& random) {
  const auto n = static_cast<std::size_t>(lines);
  std::normal_distribution<double> normal;
  std::vector<double> matrix(n * n, 0.0), v(n);
  for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = 1;
  for (std::size_t reflection = 0; reflection < n; ++reflection) {
    double power = 0;
    for (double& x : v) {
      x = normal(random);
      power += x * x;
    }
    for (std::size_t i = 0; i < n; ++i) {
      double along = 0;
      for (std::size_t k = 0; k < n; ++k) along += matrix[i * n + k] * v[k];
      for (std::size_t k = 0; k < n; ++k) matrix[i * n + k] -= 2 * along / power * v[k];
    }
  }
  return matrix;
}

/// What a fit makes: a dense orthogonal feedback matrix, attenuation filters in the lines (10 to 60 ms), two outputs,
/// third-octave tone correction and an exact early part (of each input to its own output), 48 kHz.
inline DelayNetworkWeights fdn(const FdnSize& size) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.early_ms = size.early_samples / 48.0;
  w.lines = size.lines, w.inputs = size.inputs, w.outputs = 2;
  w.line_sections = size.attenuation == Attenuation::kTenBands ? 10 : 2;
  w.output_sections = size.output_sections, w.early_samples = size.early_samples;
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  // A broadband loss on top of the cuts keeps the loop's gain below 1 at 0 Hz too.
  for (const double a : dense_orthogonal(size.lines, random)) w.A.push_back(static_cast<float>(0.97 * a));
  for (int i = 0; i < size.lines; ++i) {
    for (int k = 0; k < size.inputs; ++k) w.B.push_back(static_cast<float>(0.25 * normal(random)));
    w.delays.push_back(static_cast<int>(480 * std::pow(6.0, static_cast<double>(i) / size.lines)));
    if (size.attenuation == Attenuation::kTwoShelves) {
      add_shelf(w.line_sos, 200, false, -0.2 - 0.01 * i, 48000);
      add_shelf(w.line_sos, 4000, true, -0.6 - 0.05 * i, 48000);
      continue;
    }
    add_peak(w.line_sos, 1000, 0.1, -0.2, 48000);
    for (int k = 0; k < 9; ++k) add_peak(w.line_sos, 63 * std::pow(2, k) * 0.99, 1.41, -0.2 - 0.05 * k, 48000);
  }
  for (int i = 0; i < 2 * size.lines; ++i) w.C.push_back(static_cast<float>(0.25 * normal(random)));
  w.D.assign(2 * static_cast<std::size_t>(size.inputs), 0.0f);
  for (int o = 0; o < 2; ++o) {
    for (int k = 0; k < size.output_sections; ++k)
      add_peak(w.output_sos, 63 * std::pow(2, k / 3.0), 4.3, normal(random), 48000);
  }
  for (int pair = 0; pair < 2 * size.inputs; ++pair) {
    const bool own = size.inputs == 1 || pair % (size.inputs + 1) == 0;
    for (int n = 0; n < size.early_samples; ++n)
      w.early.push_back(own ? static_cast<float>(0.05 * normal(random)) : 0.0f);
  }
  return w;
}

}  // namespace diffverb::runtime::bench
