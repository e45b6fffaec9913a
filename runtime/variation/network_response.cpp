#include "runtime/variation/network_response.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

namespace diffverb::runtime {
namespace {

using Complex = std::complex<double>;

Complex section_gain(const Biquad& f, Complex step) {  // step: z^-1
  return (f.b0 + step * (f.b1 + step * f.b2)) / (1.0 + step * (f.a1 + step * f.a2));
}

Complex step_of(const DelayNetworkWeights& w, double hz) {
  return std::polar(1.0, -2 * std::numbers::pi * hz / w.sample_rate_hz);
}

/// Solves M x = b for all columns of b [n, columns], with pivots; M is used up.
void solve(std::vector<Complex>& m, std::vector<Complex>& b, std::size_t n, std::size_t columns) {
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(m[i * n + k]) > std::abs(m[pivot * n + k])) pivot = i;
    }
    for (std::size_t j = 0; pivot != k && j < n; ++j) std::swap(m[k * n + j], m[pivot * n + j]);
    for (std::size_t j = 0; pivot != k && j < columns; ++j) std::swap(b[k * columns + j], b[pivot * columns + j]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Complex factor = m[i * n + k] / m[k * n + k];
      if (factor == 0.0) continue;
      for (std::size_t j = k; j < n; ++j) m[i * n + j] -= factor * m[k * n + j];
      for (std::size_t j = 0; j < columns; ++j) b[i * columns + j] -= factor * b[k * columns + j];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = 0; j < columns; ++j) {
      for (std::size_t k = i + 1; k < n; ++k) b[i * columns + j] -= m[i * n + k] * b[k * columns + j];
      b[i * columns + j] /= m[i * n + i];
    }
  }
}

}  // namespace

Complex line_gain(const DelayNetworkWeights& w, int line, double hz) {
  const Complex step = step_of(w, hz);
  Complex gain = 1;
  for (int k = 0; k < w.line_sections; ++k) gain *= section_gain(w.line_section(line, k), step);
  return gain;
}

double interpolation_log_gain(const DelayNetworkWeights& w, int line, double hz) {
  constexpr int kPlaces = 32;
  const double depth = w.depth_of(line);
  if (depth == 0) return 0;
  const Complex step = step_of(w, hz);
  double sum = 0;
  for (int k = 0; k < kPlaces; ++k) {
    const double place = depth * std::sin(2 * std::numbers::pi * (k + 0.5) / kPlaces), x = place - std::floor(place);
    const Complex gain = -x * (x - 1) * (x - 2) / 6 + step * (x * x - 1) * (x - 2) / 2.0 -
                         step * step * x * (x + 1) * (x - 2) / 2.0 + step * step * step * x * (x * x - 1) / 6.0;
    sum += std::log(std::max(std::abs(gain), 1e-3));
  }
  return sum / kPlaces;
}

std::vector<Complex> network_gain(const DelayNetworkWeights& w, double hz) {
  const auto n = static_cast<std::size_t>(w.lines), inputs = static_cast<std::size_t>(w.inputs);
  const Complex step = step_of(w, hz);
  std::vector<Complex> gains(n), m(n * n), x(n * inputs), out;
  for (std::size_t j = 0; j < n; ++j)
    gains[j] = line_gain(w, static_cast<int>(j), hz) * std::polar(1.0, std::arg(step) * w.delays[j]);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < n; ++k)
      m[j * n + k] = (j == k ? 1.0 : 0.0) - static_cast<double>(w.A[j * n + k]) * gains[k];
  }
  std::copy(w.B.begin(), w.B.end(), x.begin());
  solve(m, x, n, inputs);
  for (int o = 0; o < w.outputs; ++o) {
    Complex filter = 1;
    for (int k = 0; k < w.output_sections; ++k) filter *= section_gain(w.output_section(o, k), step);
    for (std::size_t i = 0; i < inputs; ++i) {
      Complex sum = w.D[static_cast<std::size_t>(o) * inputs + i];
      for (std::size_t j = 0; j < n; ++j)
        sum += static_cast<double>(w.C[static_cast<std::size_t>(o) * n + j]) * gains[j] * x[j * inputs + i];
      out.push_back(filter * sum);
    }
  }
  return out;
}

bool is_allpass(const DelayNetworkWeights& w) {
  constexpr int kFrequencies = 48, kMostLines = 64;
  constexpr double kRipple = 1.122;  // 1 dB
  if (w.lines == 0 || w.lines > kMostLines || w.early_samples > 0 || w.moving.count > 0 || w.nonlinear.is_there())
    return false;
  std::vector<double> least, most;
  for (int k = 0; k < kFrequencies; ++k) {
    const double hz = w.sample_rate_hz / 2 * (k + 0.5 + 0.4 * std::sin(7.0 * k)) / kFrequencies;
    const std::vector<Complex> gains = network_gain(w, hz);
    if (k == 0) least.assign(gains.size(), 1e300), most.assign(gains.size(), 0);
    for (std::size_t i = 0; i < gains.size(); ++i) {
      least[i] = std::min(least[i], std::abs(gains[i])), most[i] = std::max(most[i], std::abs(gains[i]));
      if (most[i] > kRipple * least[i] && most[i] > 1e-9) return false;
    }
  }
  return true;
}

}  // namespace diffverb::runtime
