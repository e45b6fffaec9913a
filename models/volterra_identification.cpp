#include "models/volterra_identification.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/seed.h"
#include "models/volterra_output.h"

namespace diffverb {
namespace {

constexpr double kNothingLeft = 1e-16;  // of the output's energy
constexpr double kStandsStill = 1e-9;   // of the error's energy, a step

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

void start(VolterraOutput& system, const Volterra& model, bool is_from_response, Random& random) {
  system.products.clear();
  for (const char* name : kNames) {
    if (!model.has_kernel(name)) continue;
    const auto& kernel = model.kernel(name);  // [O, R, P, I, L]
    const std::string after = std::string(name) + "_after";
    for (std::int64_t r = 0; r < kernel.size(1); ++r) {
      VolterraOutput::Product product;
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

void alternate(VolterraOutput& system, int sweeps, std::int64_t order) {
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (std::int64_t turn = 0; turn < order; ++turn) {
      system.step(system.factor_parts(static_cast<std::size_t>(turn)), 0);
      system.balance();
    }
    system.step(system.after_parts(), 0);
    system.balance();
  }
}

/// Returns the number of steps.
int refine(VolterraOutput& system, int most, const std::function<void(int)>& on_try) {
  double damping = 1e-2, left = system.error_energy();
  const double energy = system.energy();
  const auto parts = system.all_parts();
  int steps = 0;
  for (int rejected = 0; steps < most && left > kNothingLeft * energy && rejected < 8;) {
    const auto first = system.first;
    const auto products = system.products;
    system.step(parts, damping);
    on_try(steps);
    const double now = system.error_energy();
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

void write(Volterra& model, std::map<std::string, std::vector<at::Tensor>>& found, const VolterraOutput& system) {
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
  // A start and the refinement of the best one cost about alike.
  const int starts = model.order() > 1 ? options.starts : 0;
  const double all = static_cast<double>(y.size(0)) * (starts + 1);
  const auto tell = [&](std::int64_t output, double parts) {
    if (options.on_progress) options.on_progress((static_cast<double>(output) * (starts + 1) + parts) / all);
  };
  for (std::int64_t o = 0; o < y.size(0); ++o) {
    VolterraOutput linear(x, y[o]);
    linear.first = at::zeros(model.kernel("first")[o].sizes(), at::kDouble);
    linear.step(linear.all_parts(), 0);
    VolterraOutput best = linear;
    double least = std::numeric_limits<double>::infinity();
    for (int s = 0; s < starts; ++s) {
      tell(o, s);
      VolterraOutput one = linear;
      start(one, model, s == 0, random);
      alternate(one, options.sweeps, model.order());
      const double error = one.error_energy();
      if (error < least) least = error, best = one;
    }
    if (model.order() > 1 && best.products.empty())
      throw NumericError("identification: no start came to numbers; the output is too loud or too quiet");
    result.refinements = std::max(result.refinements, refine(best, options.refinements, [&](int steps) {
                                    tell(o, starts + static_cast<double>(steps) / options.refinements);
                                  }));
    left += best.error_energy();
    write(model, found, best);
    tell(o + 1, 0);
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
