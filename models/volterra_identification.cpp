#include "models/volterra_identification.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/seed.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

constexpr std::int64_t kRows = 8192;    // of J at a time
constexpr double kRidge = 1e-12;        // of the mean diagonal of J^T J: where a number changes nothing
constexpr double kNothingLeft = 1e-16;  // of the output's energy
constexpr double kStandsStill = 1e-9;   // of the error's energy, a step

/// One product, its factors [I, L] and the filter [A] behind it (of one tap that stays 1: none).
struct Product {
  std::vector<at::Tensor> factors;
  at::Tensor after;
  bool has_after = false;
};

/// What of an output's numbers is sought at once.
struct Part {
  enum Kind { kFirst, kFactor, kAfter } kind = kFirst;
  std::size_t product = 0, factor = 0;
};

/// One output of a series, with the numbers sought and the signals that they are sought from.
class OneOutput {
 public:
  OneOutput(at::Tensor input, at::Tensor output) : x_(std::move(input)), y_(std::move(output)) {}

  at::Tensor first;  // [I, L1]
  std::vector<Product> products;

  double energy() const { return y_.square().sum().item<double>(); }
  at::Tensor error() const { return y_ - played(); }
  /// v += (J^T J + damping diag(J^T J))^-1 J^T e, for some of the numbers.
  void step(const std::vector<Part>& parts, double damping) {
    const auto [gram, slope] = normal(parts);
    const auto diagonal = gram.diagonal();
    const auto added = diagonal * damping + kRidge * (diagonal.mean() + std::numeric_limits<double>::min());
    auto left = gram.clone();
    left.diagonal().add_(added);
    const auto change = at::linalg_solve(left, slope);
    std::int64_t at = 0;
    for (const Part& part : parts) {
      at::Tensor& values = of(part);
      values = values + change.slice(0, at, at + values.numel()).reshape(values.sizes());
      at += values.numel();
    }
  }
  /// Shares the size of each product evenly between its factors: it has no size of its own.
  void balance() {
    for (Product& product : products) {
      std::vector<at::Tensor*> all;
      for (at::Tensor& factor : product.factors) all.push_back(&factor);
      if (product.has_after) all.push_back(&product.after);
      double log_sum = 0;
      std::vector<double> norms;
      for (const at::Tensor* one : all) norms.push_back(one->norm().item<double>());
      if (*std::min_element(norms.begin(), norms.end()) < 1e-150) continue;
      for (const double norm : norms) log_sum += std::log(norm);
      for (std::size_t k = 0; k < all.size(); ++k)
        *all[k] = *all[k] * (std::exp(log_sum / static_cast<double>(all.size())) / norms[k]);
    }
  }
  /// The numbers in which the output is linear: the first order, and of each product factor `turn`, or what is behind it.
  std::vector<Part> linear_parts(std::size_t turn, bool behind) const {
    std::vector<Part> parts{{Part::kFirst, 0, 0}};
    for (std::size_t r = 0; r < products.size(); ++r) {
      if (behind && products[r].has_after) parts.push_back({Part::kAfter, r, 0});
      if (!behind && turn < products[r].factors.size()) parts.push_back({Part::kFactor, r, turn});
    }
    return parts;
  }
  std::vector<Part> all_parts() const {
    std::vector<Part> parts{{Part::kFirst, 0, 0}};
    for (std::size_t r = 0; r < products.size(); ++r) {
      for (std::size_t j = 0; j < products[r].factors.size(); ++j) parts.push_back({Part::kFactor, r, j});
      if (products[r].has_after) parts.push_back({Part::kAfter, r, 0});
    }
    return parts;
  }

 private:
  at::Tensor& of(const Part& part) {
    if (part.kind == Part::kFirst) return first;
    Product& product = products[part.product];
    return part.kind == Part::kAfter ? product.after : product.factors[part.factor];
  }
  at::Tensor signal(const at::Tensor& factor) const { return convolve(factor.unsqueeze(0), x_)[0]; }
  at::Tensor product_of(const Product& product, std::size_t without) const {
    at::Tensor all;
    for (std::size_t j = 0; j < product.factors.size(); ++j) {
      if (j == without) continue;
      const auto one = signal(product.factors[j]);
      all = all.defined() ? all * one : one;
    }
    return all;
  }
  static at::Tensor behind(const Product& product, const at::Tensor& rows) {  // [..., T]
    return product.has_after ? convolve(product.after.reshape({1, 1, -1}), rows.unsqueeze(-2)).squeeze(-2) : rows;
  }
  at::Tensor played() const {
    auto sum = signal(first);
    for (const Product& product : products) sum = sum + behind(product, product_of(product, product.factors.size()));
    return sum;
  }

  /// J^T J and J^T e.
  std::pair<at::Tensor, at::Tensor> normal(const std::vector<Part>& parts) {
    std::vector<at::Tensor>
        weights;  // what each delayed input is multiplied by, and for `after` what is delayed itself
    for (const Part& part : parts) {
      if (part.kind == Part::kFirst)
        weights.emplace_back();
      else if (part.kind == Part::kAfter)
        weights.push_back(product_of(products[part.product], products[part.product].factors.size()));
      else
        weights.push_back(product_of(products[part.product], part.factor));
    }
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
  at::Tensor derivative(const Part& part, const at::Tensor& weight, std::int64_t from, std::int64_t to) {
    const at::Tensor& values = of(part);
    if (part.kind == Part::kAfter) return delayed(weight.unsqueeze(0), values.size(0), from, to);
    if (part.kind == Part::kFirst) return delayed(x_, values.size(1), from, to);
    const Product& product = products[part.product];
    const std::int64_t history = product.has_after ? std::min(from, product.after.size(0) - 1) : 0;
    const auto rows = delayed(x_, values.size(1), from - history, to) * weight.slice(0, from - history, to);
    return behind(product, rows).slice(1, history);
  }
  /// Signals [I, T] by 0 to count - 1 samples later: [I count, to - from].
  static at::Tensor delayed(const at::Tensor& signals, std::int64_t count, std::int64_t from, std::int64_t to) {
    const auto padded = at::constant_pad_nd(signals, {count - 1, 0}).slice(1, from, to + count - 1);
    return frame_signal(padded, count).flip({2}).transpose(1, 2).reshape({-1, to - from});
  }

  at::Tensor x_, y_;
};

/// Noise that falls off, of unit energy: a factor to begin with.
at::Tensor drawn(std::int64_t inputs, std::int64_t length, Random& random) {
  auto values = at::empty({inputs, length}, at::kDouble);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.mutable_data_ptr<double>()[i] =
        random.normal() * std::exp(-3 * static_cast<double>(i % length) / static_cast<double>(length));
  return values / values.norm();
}

/// The linear response, as long as a factor is, of unit energy; a product of several begins away from it.
at::Tensor from_response(const at::Tensor& response, std::int64_t length, std::size_t rank_index, Random& random) {
  const std::int64_t kept = std::min(length, response.size(1));
  auto values = at::constant_pad_nd(response.slice(1, 0, kept), {0, length - kept});
  values = values / (values.norm() + std::numeric_limits<double>::min());
  return rank_index == 0 ? values : values + 0.5 * drawn(values.size(0), length, random);
}

constexpr const char* kNames[] = {"second", "third"};

void start(OneOutput& system, const Volterra& model, bool is_from_response, Random& random) {
  system.products.clear();
  for (const char* name : kNames) {
    if (!model.has_kernel(name)) continue;
    const auto& kernel = model.kernel(name);  // [O, R, P, I, L]
    const std::string after = std::string(name) + "_after";
    for (std::int64_t r = 0; r < kernel.size(1); ++r) {
      Product product;
      for (std::int64_t j = 0; j < kernel.size(2); ++j)
        product.factors.push_back(
            0.3 * (is_from_response ? from_response(system.first, kernel.size(4), static_cast<std::size_t>(r), random)
                                    : drawn(kernel.size(3), kernel.size(4), random)));
      product.has_after = model.has_kernel(after);
      product.after = at::zeros({product.has_after ? model.kernel(after).size(2) : 1}, at::kDouble);
      product.after[0] = 1;
      system.products.push_back(std::move(product));
    }
  }
}

void alternate(OneOutput& system, int sweeps, std::int64_t order) {
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (std::int64_t turn = 0; turn <= order; ++turn) {
      const bool behind = turn == order;
      const auto parts = system.linear_parts(static_cast<std::size_t>(turn), behind);
      if (behind && parts.size() == 1) continue;
      system.step(parts, 0);
      system.balance();
    }
  }
}

/// Returns the number of steps.
int refine(OneOutput& system, int most) {
  double damping = 1e-2, left = system.error().square().sum().item<double>();
  const double energy = system.energy();
  const auto parts = system.all_parts();
  int steps = 0;
  for (int rejected = 0; steps < most && left > kNothingLeft * energy && rejected < 8;) {
    const auto first = system.first;
    const auto products = system.products;
    system.step(parts, damping);
    const double now = system.error().square().sum().item<double>();
    if (!(now < left)) {
      system.first = first;
      system.products = products;
      damping *= 4;
      ++rejected;
      continue;
    }
    const bool still = left - now < kStandsStill * left;
    left = now;
    damping = std::max(damping / 5, 1e-12);
    rejected = 0;
    ++steps;
    system.balance();
    if (still) break;
  }
  return steps;
}

void write(Volterra& model, std::map<std::string, std::vector<at::Tensor>>& found, const OneOutput& system) {
  found["first"].push_back(system.first);
  auto product = system.products.begin();
  for (const char* name : kNames) {
    if (!model.has_kernel(name)) continue;
    std::vector<at::Tensor> factors, after;
    for (std::int64_t r = 0; r < model.kernel(name).size(1); ++r, ++product) {
      factors.push_back(at::stack(product->factors));
      after.push_back(product->after);
    }
    found[name].push_back(at::stack(factors));
    if (model.has_kernel(std::string(name) + "_after")) found[std::string(name) + "_after"].push_back(at::stack(after));
  }
}

void check(const Volterra& model, const at::Tensor& input, const at::Tensor& output) {
  if (model.oversampling() != 1) throw ContractError("identification: products at the rate of the signals expected");
  if (input.dim() != 2 || output.dim() != 2 || input.size(0) != model.inputs() || output.size(0) != model.outputs() ||
      input.size(1) != output.size(1))
    throw ContractError("identification: an input [" + std::to_string(model.inputs()) + ", T] and an output [" +
                        std::to_string(model.outputs()) + ", T] expected");
  std::int64_t numbers = 0;
  for (const auto& [name, leaf] : model.parameters()) numbers += leaf.numel() / leaf.size(0);
  if (input.size(1) < numbers)
    throw DataError("identification: " + std::to_string(input.size(1)) + " samples, but " + std::to_string(numbers) +
                    " numbers are sought");
  if (input.count_nonzero().item<std::int64_t>() == 0) throw DataError("identification: the input is silent");
  for (const at::Tensor& channel : output.unbind()) {
    if (channel.count_nonzero().item<std::int64_t>() == 0) throw DataError("identification: an output is silent");
  }
}

}  // namespace

Identification identify(Volterra& model, const at::Tensor& input, const at::Tensor& output,
                        const IdentificationOptions& options) {
  const at::NoGradGuard no_grad;
  check(model, input, output);
  const auto x = input.to(at::kCPU, at::kDouble), y = output.to(at::kCPU, at::kDouble);
  Random random(options.seed, "identification");
  std::map<std::string, std::vector<at::Tensor>> found;
  double left = 0;
  Identification result;
  for (std::int64_t o = 0; o < y.size(0); ++o) {
    OneOutput linear(x, y[o]);
    linear.first = at::zeros(model.kernel("first")[o].sizes(), at::kDouble);
    linear.step(linear.all_parts(), 0);
    OneOutput best = linear;
    double least = std::numeric_limits<double>::infinity();
    for (int s = 0; s < (model.order() > 1 ? options.starts : 0); ++s) {
      OneOutput one = linear;
      start(one, model, s == 0, random);
      alternate(one, options.sweeps, model.order());
      const double error = one.error().square().sum().item<double>();
      if (error < least) least = error, best = one;
    }
    result.refinements = std::max(result.refinements, refine(best, options.refinements));
    left += best.error().square().sum().item<double>();
    write(model, found, best);
  }
  for (const auto& [name, rows] : found) model.set_kernel(name, at::stack(rows));
  result.nmse_db = 10 * std::log10(left / y.square().sum().item<double>() + 1e-40);
  return result;
}

at::Tensor full_kernel(const Volterra& model, const std::string& name, std::int64_t output, std::int64_t input) {
  const at::NoGradGuard no_grad;
  const auto factors = model.kernel(name)[output].select(2, input).to(at::kCPU);  // [R, P, L]
  const bool has_after = model.has_kernel(name + "_after");
  auto after = has_after ? model.kernel(name + "_after")[output].to(at::kCPU) : at::Tensor();
  const std::int64_t order = factors.size(1), behind = has_after ? after.size(1) : 1;
  const std::int64_t length = factors.size(2) + behind - 1;
  auto kernel = at::zeros(std::vector<std::int64_t>(static_cast<std::size_t>(order), length), at::kDouble);
  for (std::int64_t r = 0; r < factors.size(0); ++r) {
    for (std::int64_t k = 0; k < behind; ++k) {
      const auto f = at::constant_pad_nd(factors[r], {k, behind - 1 - k});  // [P, M]
      auto outer = f[0];
      for (std::int64_t j = 1; j < order; ++j) outer = outer.unsqueeze(-1) * f[j];
      kernel += has_after ? outer * after[r][k] : outer;
    }
  }
  std::vector<std::int64_t> axes;
  for (std::int64_t j = 0; j < order; ++j) axes.push_back(j);
  auto sum = at::zeros_like(kernel);
  int count = 0;
  do {
    sum += kernel.permute(axes);
    ++count;
  } while (std::next_permutation(axes.begin(), axes.end()));
  return sum / count;
}

}  // namespace diffverb
