#include "models/volterra_output.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linalg_solve.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/frame_network.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

constexpr std::int64_t kRows = 8192;  // of J at a time
constexpr double kRidge = 1e-12;  // of each diagonal of J^T J, and kFloor of their mean: where a number changes nothing
constexpr double kFloor = 1e-24;
constexpr double kVanished = 1e-150;  // a factor that is nothing has no size to share
constexpr std::size_t kAll = std::size_t(-1);

/// Signals [I, T] by 0 to count - 1 samples later: [I count, to - from].
at::Tensor delayed(const at::Tensor& signals, std::int64_t count, std::int64_t from, std::int64_t to) {
  const auto padded = at::constant_pad_nd(signals, {count - 1, 0}).slice(1, from, to + count - 1);
  return frame_signal(padded, count).flip({2}).transpose(1, 2).reshape({-1, to - from});
}

/// What is behind a product of rows [..., T].
at::Tensor behind(const VolterraOutput::Product& product, const at::Tensor& rows) {
  return product.has_after ? convolve(product.after.reshape({1, 1, -1}), rows.unsqueeze(-2)).squeeze(-2) : rows;
}

}  // namespace

void VolterraOutput::step(const std::vector<Part>& parts, double damping) {
  const auto [gram, slope] = normal(parts);
  const auto diagonal = gram.diagonal();
  auto damped = gram.clone();
  damped.diagonal().add_(diagonal * (damping + kRidge) +
                         (kFloor * diagonal.mean() + std::numeric_limits<double>::min()));
  const auto change = at::linalg_solve(damped, slope);
  std::int64_t at = 0;
  for (const Part& part : parts) {
    at::Tensor& values = of(part);
    values = values + change.slice(0, at, at + values.numel()).reshape(values.sizes());
    at += values.numel();
  }
}

void VolterraOutput::balance() {
  for (Product& product : products) {
    std::vector<at::Tensor*> all;
    for (at::Tensor& factor : product.factors) all.push_back(&factor);
    if (product.has_after) all.push_back(&product.after);
    std::vector<double> norms;
    for (const at::Tensor* one : all) norms.push_back(one->norm().item<double>());
    if (*std::min_element(norms.begin(), norms.end()) < kVanished) continue;
    double log_sum = 0;
    for (const double norm : norms) log_sum += std::log(norm);
    const double even = std::exp(log_sum / static_cast<double>(all.size()));
    for (std::size_t k = 0; k < all.size(); ++k) *all[k] = *all[k] * (even / norms[k]);
  }
}

std::vector<VolterraOutput::Part> VolterraOutput::all_parts() const {
  std::vector<Part> parts{{Part::kFirst, 0, 0}};
  for (std::size_t r = 0; r < products.size(); ++r) {
    for (std::size_t j = 0; j < products[r].factors.size(); ++j) parts.push_back({Part::kFactor, r, j});
    if (products[r].has_after) parts.push_back({Part::kAfter, r, 0});
  }
  return parts;
}

std::vector<VolterraOutput::Part> VolterraOutput::factor_parts(std::size_t turn) const {
  std::vector<Part> parts{{Part::kFirst, 0, 0}};
  for (std::size_t r = 0; r < products.size(); ++r) {
    if (turn < products[r].factors.size()) parts.push_back({Part::kFactor, r, turn});
  }
  return parts;
}

std::vector<VolterraOutput::Part> VolterraOutput::after_parts() const {
  std::vector<Part> parts{{Part::kFirst, 0, 0}};
  for (std::size_t r = 0; r < products.size(); ++r) {
    if (products[r].has_after) parts.push_back({Part::kAfter, r, 0});
  }
  return parts;
}

at::Tensor& VolterraOutput::of(const Part& part) {
  if (part.kind == Part::kFirst) return first;
  Product& product = products[part.product];
  return part.kind == Part::kAfter ? product.after : product.factors[part.factor];
}

at::Tensor VolterraOutput::signal(const at::Tensor& factor) const { return convolve(factor.unsqueeze(0), x_)[0]; }

at::Tensor VolterraOutput::product_of(const Product& product, std::size_t without) const {
  at::Tensor all;
  for (std::size_t j = 0; j < product.factors.size(); ++j) {
    if (j == without) continue;
    const auto one = signal(product.factors[j]);
    all = all.defined() ? all * one : one;
  }
  return all;
}

at::Tensor VolterraOutput::played() const {
  auto sum = signal(first);
  for (const Product& product : products) sum = sum + behind(product, product_of(product, kAll));
  return sum;
}

/// J^T J and J^T e.
std::pair<at::Tensor, at::Tensor> VolterraOutput::normal(const std::vector<Part>& parts) {
  // What each delayed input is multiplied by; of what is behind a product, what is delayed itself.
  std::vector<at::Tensor> weights;
  for (const Part& part : parts)
    weights.push_back(part.kind == Part::kFirst
                          ? at::Tensor()
                          : product_of(products[part.product], part.kind == Part::kFactor ? part.factor : kAll));
  const auto e = error();
  at::Tensor gram, slope;
  for (std::int64_t from = 0; from < x_.size(1); from += kRows) {
    const std::int64_t to = std::min(x_.size(1), from + kRows);
    std::vector<at::Tensor> rows;
    for (std::size_t k = 0; k < parts.size(); ++k) rows.push_back(derivative(parts[k], weights[k], from, to));
    const auto j = at::cat(rows);  // [P, t]
    const auto g = j.matmul(j.t()), s = j.mv(e.slice(0, from, to));
    gram = gram.defined() ? gram + g : g;
    slope = slope.defined() ? slope + s : s;
  }
  return {gram, slope};
}

/// Rows of J^T: how the output from `from` to `to` changes with each number of a part.
at::Tensor VolterraOutput::derivative(const Part& part, const at::Tensor& weight, std::int64_t from, std::int64_t to) {
  const at::Tensor& values = of(part);
  if (part.kind == Part::kAfter) return delayed(weight.unsqueeze(0), values.size(0), from, to);
  if (part.kind == Part::kFirst) return delayed(x_, values.size(1), from, to);
  const Product& product = products[part.product];
  const std::int64_t history = product.has_after ? std::min(from, product.after.size(0) - 1) : 0;
  const auto rows = delayed(x_, values.size(1), from - history, to) * weight.slice(0, from - history, to);
  return behind(product, rows).slice(1, history);
}

}  // namespace diffverb
