#include "models/term_model.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

constexpr double kLeastRateScale = 1e-5;

}  // namespace

SignalShape SignalShape::read(Fields& f) {
  SignalShape shape;
  f.optional("inputs", shape.inputs, between(1, 8));
  f.optional("outputs", shape.outputs, between(1, 8));
  f.optional("sample_rate_hz", shape.sample_rate_hz, between(8000, 384000), "Hz");
  return shape;
}

std::int64_t SignalShape::samples_of(double ms) const {
  return std::max<std::int64_t>(1, std::llround(ms / 1000 * sample_rate_hz));
}

void TermModel::move_to(at::Device device) {
  for (auto& [name, leaf] : leaves_) leaf.set_data(leaf.detach().to(device));
}

double TermModel::rate_scale(const std::string& parameter) const {
  const double rms = leaves_.at(parameter).detach().square().mean().sqrt().item<double>();
  return rms > 0 ? std::clamp(rms, kLeastRateScale, 1.0) : 1.0;
}

void TermModel::set(const std::string& name, const at::Tensor& value) {
  const at::NoGradGuard no_grad;
  if (!has(name)) {
    leaves_[name] = value.detach().to(at::kDouble).clone().set_requires_grad(true);
    return;
  }
  at::Tensor& leaf = leaves_[name];
  if (leaf.sizes() != value.sizes()) throw ContractError("parameter " + name + ": values of another shape");
  leaf.copy_(value);  // the trainer holds the leaf
}

at::Tensor TermModel::play(const at::Tensor& input) const {
  if (input.dim() != 3 || input.size(1) != inputs())
    throw ContractError("play: an input [B, " + std::to_string(inputs()) + ", T] expected");
  const Parts all = parts();
  at::Tensor sum;
  const auto add = [&](const at::Tensor& y) { sum = sum.defined() ? sum + y : y; };
  if (all.response.defined()) add(convolve(all.response.to(input.scalar_type()), input));
  for (const ProductTerms& products : all.products) add(products.play(input));
  for (const FrameNetwork& network : all.networks) add(network.play(input, sample_rate_hz()));
  return sum;
}

}  // namespace diffverb
