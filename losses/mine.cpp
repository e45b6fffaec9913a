#include "losses/mine.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_solve_triangular.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numeric>
#include <sstream>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr int kSteps = 16;   // of Newton's method, from nothing
constexpr int kStepsOn = 6;  // from the maximum of the step before

/// Mean 0 and variance 1; a constant becomes 0.
at::Tensor standardised(const at::Tensor& x) {
  constexpr double kLeastVariance = 1e-18;
  const auto centred = x - x.mean(1, true);
  return centred * (centred.square().mean(1, true) + kLeastVariance).rsqrt();
}

}  // namespace

Mine::Mine(const Options& options, std::int64_t rows, std::int64_t samples, at::Device device) : options_(options) {
  Random random(options.seed, "mine");
  std::vector<double> hidden;
  for (std::int64_t i = 0; i < 3 * options.units; ++i) hidden.push_back(random.normal());
  hidden_ = at::tensor(hidden, at::kDouble).reshape({3, 1, 1, options.units}).repeat({1, rows, 1, 1}).to(device);
  std::vector<std::int64_t> all;
  for (std::int64_t k = 0; k < options.permutations; ++k) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(samples));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(i) - 1))]);
    all.insert(all.end(), order.begin(), order.end());
  }
  permutations_ = at::tensor(all, at::kLong).to(device);
}

void Mine::check(const at::Tensor& x, const at::Tensor& y) const {
  const std::int64_t rows = hidden_.size(1), samples = permutations_.size(0) / options_.permutations;
  const auto fits = [&](const at::Tensor& t) {
    return t.dim() == 2 && t.size(0) == rows && t.size(1) == samples && t.scalar_type() == at::kDouble;
  };
  if (samples >= 8 && fits(x) && fits(y)) return;
  std::ostringstream message;
  message << "mutual information: expected float64 [" << rows << ", " << samples << "] twice, at least 8 pairs, got "
          << x.sizes() << ' ' << x.dtype() << " and " << y.sizes() << ' ' << y.dtype();
  throw ContractError(message.str());
}

Mine::Features Mine::features(const at::Tensor& x, const at::Tensor& y, const at::Tensor& hidden) const {
  const auto from_x = standardised(x).unsqueeze(2) * hidden[0] + hidden[2];
  const auto from_y = standardised(y).unsqueeze(2) * hidden[1];
  return {(from_x + from_y).tanh(),
          (from_x.repeat({1, options_.permutations, 1}) + at::index_select(from_y, 1, permutations_)).tanh()};
}

at::Tensor Mine::no_output() const { return at::zeros({hidden_.size(1), options_.units}, hidden_.options()); }

/// Damped Newton steps: 1 / (1 + d), d the length of the step in the Hessian's norm, never overshoot, and turn into
/// plain ones near the maximum. Their number is fixed: nobody asks the device how far they have come.
at::Tensor Mine::best_output(const Features& f, const at::Tensor& start, int steps) const {
  const at::NoGradGuard no_grad;
  const auto joint = f.joint.detach(), product = f.product.detach();
  const auto mean = joint.mean(1), ridge = options_.ridge * at::eye(options_.units, joint.options());
  auto output = start;
  for (int k = 0; k < steps; ++k) {
    const auto share = at::softmax(at::matmul(product, output.unsqueeze(2)), 1);  // [R, P, 1]
    const auto weighted = product * share, expected = weighted.sum(1);            // [R, units]
    const auto slope = (mean - expected - options_.ridge * output).unsqueeze(2);
    const auto hessian = at::matmul(weighted.mT(), product) - expected.unsqueeze(2) * expected.unsqueeze(1) + ridge;
    // cholesky_solve() would ask the device whether all went well.
    const auto factor = std::get<0>(at::linalg_cholesky_ex(hessian));
    const auto step = at::linalg_solve_triangular(
        factor.mT(), at::linalg_solve_triangular(factor, slope, /*upper=*/false), /*upper=*/true);
    const auto length = (slope * step).sum({1, 2}).clamp_min(0).sqrt();
    output = output + step.squeeze(2) / (1 + length).unsqueeze(1);
  }
  return output;
}

at::Tensor Mine::bound(const Features& f, const at::Tensor& output) const {
  const auto w = output.unsqueeze(2);
  const auto product = at::matmul(f.product, w).squeeze(2);
  return at::matmul(f.joint, w).squeeze(2).mean(1) -
         (at::logsumexp(product, {1}) - std::log(static_cast<double>(product.size(1)))) -
         0.5 * options_.ridge * output.square().sum(1);
}

at::Tensor Mine::information(const at::Tensor& x, const at::Tensor& y) const {
  check(x, y);
  const Features f = features(x, y, hidden_);
  return bound(f, best_output(f, no_output(), kSteps));
}

void Mine::train(const at::Tensor& x, const at::Tensor& y, std::int64_t steps) {
  constexpr double kFirstRate = 0.05, kFaster = 1.5, kSlower = 0.25;
  check(x, y);
  const at::AutoGradMode with_gradient(true);
  const auto known = x.detach(), heard = y.detach();
  auto output = no_output(), slope = at::zeros_like(hidden_);
  auto rate = at::full({hidden_.size(1)}, kFirstRate, hidden_.options()), best = rate - INFINITY;
  const auto of_rows = [](const at::Tensor& rows) { return rows.reshape({1, -1, 1, 1}); };
  for (std::int64_t k = 0; k <= steps; ++k) {
    const auto tried = (hidden_ + of_rows(rate) * slope).detach().set_requires_grad(true);
    const Features f = features(known, heard, tried);
    const auto tried_output = best_output(f, output, k == 0 ? kSteps : kStepsOn);
    const auto value = bound(f, tried_output);
    const auto tried_slope = torch::autograd::grad({value.sum()}, {tried})[0];
    const auto better = value.detach() > best;
    hidden_ = at::where(of_rows(better), tried.detach(), hidden_);
    slope = at::where(of_rows(better), tried_slope, slope);
    output = at::where(better.unsqueeze(1), tried_output, output);
    best = at::where(better, value.detach(), best);
    if (k > 0) rate = rate * at::where(better, kFaster, kSlower);
  }
}

}  // namespace diffverb
