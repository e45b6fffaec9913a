#include "models/hybrid.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/nearest.h"
#include "core/solvers/solvers.h"
#include "models/fitted_reverb.h"
#include "models/hammerstein.h"
#include "models/neural_volterra.h"
#include "models/response_model.h"
#include "models/volterra.h"

namespace diffverb {
namespace {

constexpr const char* kLinear = "linear.";
constexpr const char* kNonlinear = "nonlinear.";
constexpr double kFade_s = 0.01;

std::unique_ptr<TermModel> make_terms(Fields fields, const SignalShape& shape) {
  std::string type = "neural_volterra";
  fields.choice("type", type, {"neural_volterra", "volterra"});
  if (type == "volterra") return std::make_unique<Volterra>(fields, shape);
  return std::make_unique<NeuralVolterra>(fields, shape);
}

std::unique_ptr<RoomModel> make_linear(Fields fields) {
  std::string type = "jot_fdn";
  fields.optional("type", type);
  const auto& models = family<Model>();
  if (!models.has(type)) fields.fail("type", "unknown model '" + type + "'" + known_names_hint(type, models.names()));
  if (type == "hybrid") fields.fail("type", "a hybrid within a hybrid; expected a delay network");
  auto model = models.make_before_others(type, fields);
  if (auto fitted = fitted_reverb(model, fields)) return fitted;
  if (!dynamic_cast<RoomModel*>(model.get())) fields.fail("type", "'" + type + "' is no delay network");
  return std::unique_ptr<RoomModel>(dynamic_cast<RoomModel*>(model.release()));
}

}  // namespace

Hybrid::Hybrid(Fields& f) {
  SignalShape shape;
  f.optional("outputs", shape.outputs, between(1, 8));
  f.optional("sample_rate_hz", shape.sample_rate_hz, between(8000, 384000), "Hz");
  f.optional("seconds", seconds_, between(0.05, 60), "s");
  nonlinear_ = make_terms(f.map("nonlinear"), shape);
  linear_ = make_linear(f.map("linear"));
}

const NetworkModel* Hybrid::reverberator() const {
  const auto* fitted = dynamic_cast<const FittedNetwork*>(linear_.get());
  return fitted ? &fitted->reverb() : nullptr;
}

DelayNetwork Hybrid::undesigned_network(at::ScalarType dtype) const {
  const NetworkModel* reverb = reverberator();
  if (!reverb) throw ContractError("hybrid: its linear part has to be designed from a pair before it plays");
  DelayNetwork network = reverb->network(sample_rate_hz(), dtype).from_one_input();
  const auto rows = at::arange(outputs(), at::kLong).remainder(network.outputs());
  network.c = network.c.index_select(0, rows);
  network.d = network.d.index_select(0, rows);
  return network;
}

at::Tensor Hybrid::linear_response(at::ScalarType dtype) const {
  if (is_designed()) return (linear_->forward().ir()[0] * gain_).to(dtype);
  return impulse_response(undesigned_network(dtype), samples()).squeeze(1);
}

std::int64_t Hybrid::samples() const {
  if (is_designed()) return std::max(linear_->samples(), nonlinear_->samples());
  return std::max<std::int64_t>(1, std::llround(seconds_ * sample_rate_hz()));
}

void Hybrid::move_to(at::Device device) {
  if (is_designed()) linear_->move_to(device);
  nonlinear_->move_to(device);
}

at::Tensor Hybrid::play(const at::Tensor& input) const {
  return convolve(linear_response(input.scalar_type()).unsqueeze(1), input) + nonlinear_->play(input);
}

at::Tensor Hybrid::missing(const at::Tensor& response, std::int64_t samples) const {
  const at::NoGradGuard no_grad;
  const auto played = linear_response(at::kDouble);
  auto out = at::zeros({response.size(0), samples}, at::kDouble);
  const auto add = [&](const at::Tensor& rows, double factor) {
    const std::int64_t kept = std::min(samples, rows.size(1));
    out.slice(1, 0, kept).add_(rows.slice(1, 0, kept), factor);
  };
  add(response, 1);
  add(played, -1);
  const std::int64_t fade = std::min<std::int64_t>(samples, std::llround(kFade_s * sample_rate_hz()));
  out.slice(1, samples - fade) *= 0.5 + 0.5 * at::linspace(0, std::numbers::pi, fade, at::kDouble).cos();
  return out;
}

void Hybrid::start_from(const at::Tensor& dry, const at::Tensor& wet, std::int64_t response_samples,
                        std::uint64_t seed) {
  auto* volterra = dynamic_cast<Volterra*>(nonlinear_.get());
  HammersteinKernels kernels;
  if (volterra && volterra->takes_hammerstein())
    kernels = estimate_hammerstein(dry[0], wet, volterra->order(), response_samples, volterra->after_samples());
  else
    kernels = estimate_hammerstein(dry[0], wet, 1, response_samples, 1);
  const double gain = kernels.first.norm().item<double>();
  linear_->design(kernels.first / gain, sample_rate_hz(), seed);
  gain_ = gain;
  if (!volterra) return;
  kernels.first = missing(kernels.first, volterra->kernel("first").size(2));
  volterra->start_as(kernels);
}

std::map<std::string, at::Tensor> Hybrid::parameters() const {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : nonlinear_->parameters()) out[kNonlinear + name] = tensor;
  const NetworkModel* reverb = reverberator();
  for (const auto& [name, tensor] : !is_designed() && reverb ? reverb->parameters() : linear_->parameters())
    out[kLinear + name] = tensor;
  return out;
}

double Hybrid::rate_scale(const std::string& parameter) const {
  const std::string linear = kLinear, nonlinear = kNonlinear;
  if (parameter.starts_with(nonlinear)) return nonlinear_->rate_scale(parameter.substr(nonlinear.size()));
  return is_designed() ? linear_->rate_scale(parameter.substr(linear.size())) : 1.0;
}

DIFFVERB_PART(models, hybrid, Hybrid, "A delay network and Volterra terms side by side, trained jointly on a pair", "")

}  // namespace diffverb
