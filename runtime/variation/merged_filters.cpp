#include "runtime/variation/merged_filters.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <optional>

#include "runtime/biquad.h"
#include "runtime/network_plan.h"

namespace diffverb::runtime {
namespace {

using Polynomial = std::vector<double>;  // p[0] + p[1] z^-1 + ...
using Complex = std::complex<double>;

constexpr double kSameShare = 1e-4;  // of a row's largest gain: what single precision makes of equal ones
constexpr std::size_t kMostMerged = 2;

Polynomial product(const Polynomial& a, const Polynomial& b) {
  Polynomial out(a.size() + b.size() - 1, 0.0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) out[i + j] += a[i] * b[j];
  }
  return out;
}

/// Zeros in z of p[0] z^n + p[1] z^(n-1) + ..., all at once (Durand and Kerner).
std::vector<Complex> zeros_of(const Polynomial& p) {
  constexpr int kRounds = 200;
  std::vector<Complex> zeros;
  for (std::size_t k = 0; k + 1 < p.size(); ++k) zeros.push_back(std::pow(Complex(0.4, 0.9), static_cast<int>(k)));
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t k = 0; k < zeros.size(); ++k) {
      Complex value = 0, others = p[0];
      for (const double c : p) value = value * zeros[k] + c;
      for (std::size_t j = 0; j < zeros.size(); ++j) others *= j == k ? 1.0 : zeros[k] - zeros[j];
      if (std::abs(others) > 0) zeros[k] -= value / others;
    }
  }
  return zeros;
}

/// Quadratics 1 + q1 z^-1 + q2 z^-2 with these zeros: conjugates together, then real ones as they come.
std::vector<Polynomial> quadratics_of(std::vector<Complex> zeros) {
  constexpr double kReal = 1e-9;
  std::vector<Polynomial> out;
  std::vector<double> reals;
  for (const Complex& zero : zeros) {
    if (std::abs(zero.imag()) <= kReal)
      reals.push_back(zero.real());
    else if (zero.imag() > 0)
      out.push_back({1, -2 * zero.real(), std::norm(zero)});
  }
  std::sort(reals.begin(), reals.end());
  for (std::size_t i = 0; i + 1 < reals.size(); i += 2)
    out.push_back({1, -reals[i] - reals[i + 1], reals[i] * reals[i + 1]});
  return out;
}

/// The only line that takes from `line`, where there is one and no output does.
std::optional<std::size_t> only_listener(const DelayNetworkWeights& w, std::size_t line) {
  const auto n = static_cast<std::size_t>(w.lines);
  for (std::size_t i = line; i < w.C.size(); i += n) {
    if (w.C[i] != 0) return {};
  }
  std::optional<std::size_t> listener;
  for (std::size_t i = 0; i < n; ++i) {
    if (w.A[i * n + line] == 0) continue;
    if (listener) return {};
    listener = i;
  }
  return listener;
}

/// What a line takes in, from lines and then from inputs.
std::vector<float> row_of(const DelayNetworkWeights& w, std::size_t line) {
  const auto at = [line](const std::vector<float>& rows, int width) {
    return rows.begin() + static_cast<std::ptrdiff_t>(line) * width;
  };
  std::vector<float> row(at(w.A, w.lines), at(w.A, w.lines) + w.lines);
  row.insert(row.end(), at(w.B, w.inputs), at(w.B, w.inputs) + w.inputs);
  return row;
}

/// c, where the listener takes c times what the line takes, of all that the line takes.
std::optional<double> share_of(const std::vector<float>& line, const std::vector<float>& listener) {
  double both = 0, squares = 0, largest = 0, off = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    both += static_cast<double>(line[i]) * listener[i], squares += static_cast<double>(line[i]) * line[i];
    largest = std::max(largest, std::abs(static_cast<double>(listener[i])));
  }
  if (both == 0) return {};
  const double share = both / squares;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != 0) off = std::max(off, std::abs(listener[i] - share * line[i]));
  }
  return off <= kSameShare * largest ? std::optional(share) : std::nullopt;
}

/// v_g = share v_f + gain h_f v_f + the rest becomes v_g = h v_f + the rest.
void merge(DelayNetworkWeights& w, std::size_t line, std::size_t listener, const std::vector<Biquad>& merged) {
  const auto n = static_cast<std::size_t>(w.lines), inputs = static_cast<std::size_t>(w.inputs);
  const std::vector<float> taken = row_of(w, line);
  for (std::size_t i = 0; i < n; ++i) {
    if (taken[i] != 0) w.A[listener * n + i] = 0;
  }
  for (std::size_t i = 0; i < inputs; ++i) {
    if (taken[n + i] != 0) w.B[listener * inputs + i] = 0;
  }
  w.A[listener * n + line] = 1;
  for (int k = 0; k < w.line_sections; ++k) {
    const auto place = static_cast<std::size_t>(k);
    put_section(w.line_sos, static_cast<int>(line) * w.line_sections + k,
                place < merged.size() ? merged[place] : Biquad{});
  }
}

}  // namespace

std::vector<Biquad> sum_with_direct(const std::vector<Biquad>& cascade, double share, double gain) {
  Polynomial numerator{gain}, denominator{share};
  for (const Biquad& f : cascade) {
    numerator = product(numerator, {f.b0, f.b1, f.b2});
    denominator = product(denominator, {1, f.a1, f.a2});
  }
  for (std::size_t i = 0; i < numerator.size(); ++i) numerator[i] += denominator[i];
  if (!(std::abs(numerator[0]) > 1e-6 * std::abs(share))) return {};
  const std::vector<Polynomial> zeros = quadratics_of(zeros_of(numerator));
  if (zeros.size() != cascade.size()) return {};
  std::vector<Biquad> out;
  for (std::size_t k = 0; k < cascade.size(); ++k) {
    const double scale = k == 0 ? numerator[0] : 1;
    out.push_back({scale, scale * zeros[k][1], scale * zeros[k][2], cascade[k].a1, cascade[k].a2});
  }
  return out;
}

DelayNetworkWeights with_merged_filters(const DelayNetworkWeights& weights) {
  DelayNetworkWeights w = weights;
  if (!w.turning.empty() || w.nonlinear.is_there()) return w;
  for (std::size_t line = 0; line < static_cast<std::size_t>(w.lines); ++line) {
    if (w.delays[line] != 0) continue;
    const std::vector<Biquad> cascade = line_filter(w, static_cast<int>(line));
    if (cascade.empty() || cascade.size() > kMostMerged) continue;
    const auto listener = only_listener(w, line);
    if (!listener) continue;
    const auto share = share_of(row_of(w, line), row_of(w, *listener));
    if (!share) continue;
    const double gain = w.A[*listener * static_cast<std::size_t>(w.lines) + line];
    if (const auto merged = sum_with_direct(cascade, *share, gain); !merged.empty()) merge(w, line, *listener, merged);
  }
  return w;
}

}  // namespace diffverb::runtime
