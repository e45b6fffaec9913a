#include "models/product_terms.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/device/device.h"
#include "core/error.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

constexpr double kKaiserBeta = 8;  // 80 dB

/// Modified Bessel function of the first kind and order 0.
double bessel_i0(double x) {
  double term = 1, sum = 1;
  for (int k = 1; k < 60; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

/// A low-pass of a quarter of its own rate, gain 1, 2 kHalfBandDelay + 1 taps around its middle.
std::vector<double> half_band() {
  std::vector<double> taps;
  for (std::int64_t k = -kHalfBandDelay; k <= kHalfBandDelay; ++k) {
    const double t = static_cast<double>(k), place = t / static_cast<double>(kHalfBandDelay + 1);
    const double sinc = k == 0 ? 0.5 : std::sin(std::numbers::pi * t / 2) / (std::numbers::pi * t);
    taps.push_back(sinc * bessel_i0(kKaiserBeta * std::sqrt(1 - place * place)) / bessel_i0(kKaiserBeta));
  }
  return taps;
}

/// Kernels [..., L] filtered by [K]: [..., L + K - 1].
at::Tensor filtered(const at::Tensor& kernels, const at::Tensor& filter) {
  const std::int64_t length = kernels.size(-1), taps = filter.size(0);
  const auto padded = at::constant_pad_nd(filter, {0, length - 1}).unsqueeze(0);
  auto shape = kernels.sizes().vec();
  shape.back() = length + taps - 1;
  return convolve(kernels.reshape({-1, 1, length}), padded).reshape(shape);
}

/// The taps of one phase of the half-band filter: from `first` on every second, behind `zeros` zeros.
at::Tensor phase(const at::Tensor& like, std::int64_t first, double gain, std::int64_t zeros) {
  const auto taps = constants_on(like.device(), half_band()).to(like.scalar_type());
  return at::constant_pad_nd(taps.slice(0, first, taps.size(0), 2) * gain, {zeros, 0});
}

/// Rows of unlike lengths, filled up with zeros.
at::Tensor stacked(const at::Tensor& one, const at::Tensor& other, std::int64_t axis) {
  const std::int64_t longest = std::max(one.size(-1), other.size(-1));
  return at::stack({at::constant_pad_nd(one, {0, longest - one.size(-1)}),
                    at::constant_pad_nd(other, {0, longest - other.size(-1)})},
                   axis);
}

}  // namespace

std::int64_t ProductTerms::memory_samples() const {
  return factors.size(5) + (after.defined() ? after.size(2) - 1 : 0);
}

at::Tensor ProductTerms::play(const at::Tensor& input) const {
  const auto f = factors.to(input.scalar_type());
  const std::int64_t inputs = f.size(4);
  if (input.dim() != 3 || input.size(1) != inputs)
    throw ContractError("products: an input [B, " + std::to_string(inputs) + ", T] expected");
  auto signals = convolve(f.reshape({-1, inputs, f.size(5)}), input);
  signals = signals.reshape({input.size(0), f.size(0), f.size(1), f.size(2), order(), input.size(2)});
  auto products = signals.select(4, 0);
  for (std::int64_t j = 1; j < order(); ++j) products = products * signals.select(4, j);
  auto groups = products.sum(3);  // [B, O, G, T]
  if (!after.defined()) return groups.sum(2);
  const auto a = after.to(input.scalar_type());
  std::vector<at::Tensor> outputs;
  for (std::int64_t o = 0; o < f.size(0); ++o) outputs.push_back(convolve(a[o].unsqueeze(0), groups.select(1, o)));
  return at::cat(outputs, 1);
}

ProductTerms make_products(const at::Tensor& factors, const at::Tensor& after, std::int64_t oversampling) {
  // A filter behind each product makes a group of it.
  const auto grouped = after.defined() ? factors.unsqueeze(2) : factors.unsqueeze(1);
  if (oversampling == 1) return {grouped, after};
  if (oversampling != 2) throw ContractError("products: oversampling by 1 or 2 expected");
  const std::int64_t outputs = grouped.size(0), groups = grouped.size(1);
  // Of the way up each phase is a sample of the output at twice the rate; of the way back it begins one sample later.
  const auto up = stacked(filtered(grouped, phase(factors, 0, 2, 0)), filtered(grouped, phase(factors, 1, 2, 0)), 2);
  auto shape = up.sizes().vec();
  shape.erase(shape.begin() + 2);
  shape[1] = 2 * groups;
  const auto down = stacked(phase(factors, 0, 1, 0), phase(factors, 1, 1, 1), 0);  // [2, A]
  at::Tensor back;
  if (after.defined()) {
    back = stacked(filtered(after, down[0]), filtered(after, down[1]), 2).reshape({outputs, 2 * groups, -1});
  } else {
    back = down.unsqueeze(0).expand({outputs, 2, down.size(1)});
  }
  return {up.reshape(shape), back};
}

}  // namespace diffverb
