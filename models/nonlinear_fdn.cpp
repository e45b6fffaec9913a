#include "models/nonlinear_fdn.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/seed.h"
#include "core/solvers/nonlinear_solver.h"

namespace diffverb {
namespace {

constexpr double kNearAnEnd = 1e-3;  // of alpha's range, where its sigmoid has no slope left

/// Entries of normal distribution, a leaf.
at::Tensor random_leaf(std::int64_t rows, std::int64_t columns, std::uint64_t seed, const std::string& name) {
  Random random(seed, name);
  const auto leaf = at::zeros({rows, columns}, at::kDouble);
  for (std::int64_t i = 0; i < leaf.numel(); ++i) leaf.mutable_data_ptr<double>()[i] = random.normal();
  return leaf.set_requires_grad(true);
}

/// Rows or columns of length 1.
at::Tensor of_length_one(const at::Tensor& matrix, std::int64_t dim) {
  return matrix / (matrix.square().sum(dim, true) + 1e-12).sqrt();
}

}  // namespace

NonlinearFdn::NonlinearFdn(Fields& f) {
  auto linear = family<Model>().make_before_others("jot_fdn", f);
  linear_.reset(dynamic_cast<NetworkModel*>(linear.release()));
  const double rate = linear_->sample_rate_hz();
  if (!f.is_recording() && !linear_->motion(rate).empty())
    f.fail("modulation_ms", "lines that move have no nonlinear loop: expected 0, and not learned");
  if (!f.is_recording() && linear_->turning(rate))
    f.fail("turning", "a matrix that turns has no nonlinear loop: expected type none");
  Fields own = f.map("nonlinear");
  read_alpha(own);
  const std::int64_t lines =
      f.is_recording() ? 8 : network(at::kDouble).delays.detach().ne(0).sum().item<std::int64_t>();
  std::uint64_t seed = 1;
  own.optional("seed", seed);
  read_products(own, lines, seed);
  own.optional("impulse_db", impulse_db_, between(-120, 60), "dB");
  knobs_.choose(own);
}

void NonlinearFdn::read_alpha(Fields f) {
  f.optional("alpha_range", alpha_range_, between(0, 0.1));
  if (alpha_range_.size() != 2 || !(alpha_range_[0] < alpha_range_[1]))
    f.fail("alpha_range", "the least and the greatest alpha expected");
  knobs_.add(f, "alpha", 0.5 * (alpha_range_[0] + alpha_range_[1]), between(alpha_range_[0], alpha_range_[1]));
  knobs_.add(f, "alpha_depth", 1.0, between(-3, 3));
  f.optional("alpha_rate_hz", alpha_rate_hz_, between(0, 20), "Hz");
  f.optional("alpha_phase_turns", alpha_phase_turns_, between(-1, 1), "turns");
  knobs_.add(f, "alpha_slope", 0.3, between(-2, 2));
  f.optional("level_db", level_db_, between(-120, 0), "dB");
  f.optional("level_s", level_s_, between(0.001, 10), "s");
  knobs_.add(f, "limit", 1.0, between(0.05, 1));
}

void NonlinearFdn::read_products(Fields& f, std::int64_t lines, std::uint64_t seed) {
  knobs_.add(f, "line_gain", std::vector<double>(static_cast<std::size_t>(lines), 1.0), between(-1, 1));
  f.optional("products", products_, between(0, 16));
  if (products_ == 0) return;
  const double most = kMostProducts / static_cast<double>(products_);
  knobs_.add(f, "product_gain", std::vector<double>(static_cast<std::size_t>(products_), 0.5 * most),
             between(-most, most));
  products_of_lines_ = {{"out", random_leaf(lines, products_, seed, "out")},
                        {"left", random_leaf(products_, lines, seed, "left")},
                        {"right", random_leaf(products_, lines, seed, "right")}};
}

void NonlinearFdn::move_to(at::Device device) {
  if (!device.is_cpu()) throw ConfigError("this model is trained on the CPU, expected device: cpu");
}

std::map<std::string, at::Tensor> NonlinearFdn::parameters() const {
  auto all = linear_->parameters();
  for (const auto& [name, leaf] : knobs_.parameters()) all["nonlinear." + name] = leaf;
  for (const auto& [name, leaf] : products_of_lines_) all["nonlinear." + name] = leaf;
  return all;
}

AlphaDrive NonlinearFdn::alpha_drive() const {
  const double low = alpha_range_[0], high = alpha_range_[1];
  const auto share = ((knobs_["alpha"] - low) / (high - low)).clamp(kNearAnEnd, 1 - kNearAnEnd);
  return {share.logit(), knobs_["alpha_depth"], alpha_rate_hz_, alpha_phase_turns_};
}

NonlinearLoop NonlinearFdn::loop(const DelayNetwork& network, std::int64_t samples) const {
  const std::int64_t n = network.lines();
  const auto dtype = network.a.scalar_type();
  const auto delayed = network.delays.detach().ne(0).nonzero().reshape({-1});
  const auto places = at::eye(n, at::kDouble).index_select(1, delayed);  // [N, L]
  NonlinearLoop loop;
  loop.square = places.mv(knobs_["line_gain"]).to(dtype);
  loop.out = at::zeros({n, 0}, dtype);
  loop.left = loop.right = at::zeros({0, n}, dtype);
  if (products_ > 0) {
    const auto parts = [&](const char* name) { return products_of_lines_.at(name); };
    loop.out = places.mm(of_length_one(parts("out"), 0) * knobs_["product_gain"]).to(dtype);
    loop.left = of_length_one(parts("left"), 1).mm(places.t()).to(dtype);
    loop.right = of_length_one(parts("right"), 1).mm(places.t()).to(dtype);
  }
  loop.limit = knobs_["limit"];
  const AlphaDrive drive = alpha_drive();
  const auto turns = at::arange(samples, at::kDouble) * (drive.rate_hz / sample_rate_hz()) + drive.phase_turns;
  loop.drive = drive.bias + drive.depth * (2 * std::numbers::pi * turns).sin();
  loop.slope = knobs_["alpha_slope"];
  loop.alpha_min = alpha_range_[0], loop.alpha_max = alpha_range_[1];
  loop.reference = std::pow(10.0, level_db_ / 10);
  loop.time_s = level_s_;
  return loop;
}

at::Tensor NonlinearFdn::play(const at::Tensor& input) const {
  if (input.dim() != 3 || input.size(0) < 1 || input.size(2) < 1)
    throw ContractError("nonlinear_fdn: an input [B, I, T] expected, B and T at least 1");
  const auto dtype = input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const DelayNetwork parts = network(dtype);
  const NonlinearLoop terms = loop(parts, input.size(2));
  std::vector<at::Tensor> outputs;
  for (std::int64_t b = 0; b < input.size(0); ++b)
    outputs.push_back(nonlinear_time_response(parts, terms, input[b].to(at::kCPU, dtype)));
  return at::stack(outputs).to(input.options().requires_grad(false));
}

Response NonlinearFdn::forward(const Response& target) {
  if (target.has("dry") || impulse_db_ == 0) return SignalModel::forward(target);
  auto impulse = at::zeros({1, inputs(), target.has("ir") ? target.ir().size(2) : samples()}, at::kFloat);
  impulse.select(2, 0).fill_(std::pow(10.0, impulse_db_ / 20));
  return Response(play(impulse), target.has("ir") ? target.sample_rate_hz() : sample_rate_hz());
}

DIFFVERB_PART(models, nonlinear_fdn, NonlinearFdn,
              "Delay network with squares, products and saturation in its loop; trained on pairs of dry and wet sound",
              "Schetzen 1980; Jot and Chaigne 1991")

}  // namespace diffverb
