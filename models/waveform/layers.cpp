#include "models/waveform/layers.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

constexpr double kSmall = 0.3;  // what a block adds to its input, at first

at::Tensor zeros(at::IntArrayRef sizes, at::ScalarType type) {
  return at::zeros(sizes, at::TensorOptions().dtype(type)).set_requires_grad(true);
}

class GatedUnit : public torch::autograd::Function<GatedUnit> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    const std::int64_t channels = x.size(1) / 2;
    // sigmoid(b) = (1 + tanh(b / 2)) / 2: one function over contiguous memory
    auto gates = x.clone(at::MemoryFormat::Contiguous);
    gates.narrow(1, channels, channels).mul_(0.5);
    gates.tanh_();
    context->save_for_backward({gates});
    const auto t = gates.narrow(1, 0, channels), s = gates.narrow(1, channels, channels);
    return at::addcmul(t, t, s).mul_(0.5);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto gates = context->get_saved_variables()[0];
    const std::int64_t channels = gates.size(1) / 2;
    const auto t = gates.narrow(1, 0, channels), s = gates.narrow(1, channels, channels);
    const auto half = grads[0] * 0.5;
    auto out = at::empty_like(gates);
    auto first = out.narrow(1, 0, channels), second = out.narrow(1, channels, channels);
    const auto with_s = at::addcmul(half, half, s), with_t = half * t;
    at::addcmul_out(first, with_s, with_s * t, t, -1);  // g s' (1 - t^2), s' the sigmoid
    const auto half_t = with_t * 0.5;
    at::addcmul_out(second, half_t, half_t * s, s, -1);  // g t (1 - s^2) / 4
    return {out};
  }
};

}  // namespace

WaveConv WaveConv::make(std::int64_t inputs, std::int64_t outputs, std::int64_t taps, at::ScalarType type) {
  return {zeros({outputs, inputs, taps}, type), zeros({outputs}, type)};
}

void WaveConv::reset(Random& random, double scale) {
  const at::NoGradGuard guard;
  const double range = scale / std::sqrt(static_cast<double>(weight.size(1) * weight.size(2)));
  auto values = at::empty(weight.sizes(), at::kDouble);
  double* to = values.data_ptr<double>();
  for (std::int64_t i = 0; i < values.numel(); ++i) to[i] = random.uniform(-range, range);
  weight.copy_(values);
  bias.zero_();
}

at::Tensor WaveConv::forward(const at::Tensor& x, std::int64_t dilation, std::int64_t stride) const {
  if (x.dim() == 2) return at::addmm(bias, x, weight.squeeze(2).t());
  const std::int64_t taps = weight.size(2), padding = stride > 1 ? 0 : dilation * (taps - 1) / 2;
  return at::conv1d(x, weight, bias, {stride}, {padding}, {dilation});
}

void WaveConv::add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  if (!weight.defined()) return;
  to[prefix + ".weight"] = weight;
  to[prefix + ".bias"] = bias;
}

at::Tensor gated_unit(const at::Tensor& x) {
  if (x.dim() != 3 || x.size(1) % 2 != 0)
    throw ContractError("gated_unit: expected [B, 2 C, F], got an odd number of channels or other axes");
  return GatedUnit::apply(x);
}

WaveBlock WaveBlock::make(const Sizes& sizes, std::int64_t dilation, at::ScalarType type) {
  const std::int64_t c = sizes.channels;
  WaveBlock block;
  block.dilation = dilation;
  block.dilated = WaveConv::make(c, 2 * c, 3, type);
  if (sizes.condition > 0) block.condition = WaveConv::make(sizes.condition, 2 * c, 1, type);
  if (sizes.latent > 0) block.film = WaveConv::make(sizes.latent, 2 * c, 1, type);
  block.out = WaveConv::make(c, c, 1, type);
  return block;
}

void WaveBlock::reset(Random& random) {
  const double uniform = std::sqrt(3.0);  // unit variance in, unit variance out
  dilated.reset(random, uniform);
  if (condition.weight.defined()) condition.reset(random, uniform);
  out.reset(random, kSmall * uniform);
}

at::Tensor WaveBlock::forward(const at::Tensor& x, const at::Tensor& z, const at::Tensor& c) const {
  auto inner = x;
  if (film.weight.defined()) {
    const auto both = film.forward(z).unsqueeze(-1).chunk(2, 1);
    inner = at::addcmul(x + both[1], x, both[0]);
  }
  auto gates = dilated.forward(inner, dilation);
  if (condition.weight.defined()) gates = gates + condition.forward(c);
  return x + out.forward(gated_unit(gates));
}

void WaveBlock::add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  dilated.add_parameters(prefix + ".dilated", to);
  condition.add_parameters(prefix + ".condition", to);
  film.add_parameters(prefix + ".film", to);
  out.add_parameters(prefix + ".out", to);
}

at::Tensor mel_wavelets(std::int64_t pairs, std::int64_t taps, double rate_hz) {
  const auto mel = [](double hz) { return std::log1p(hz / 700); };
  const auto hertz = [](double m) { return 700 * std::expm1(m); };
  const double low = mel(40),
               step = (mel(0.475 * rate_hz) - low) / static_cast<double>(std::max<std::int64_t>(pairs - 1, 1));
  auto out = at::zeros({2 * pairs, taps}, at::kDouble);
  double* to = out.data_ptr<double>();
  for (std::int64_t k = 0; k < 2 * pairs; ++k) {
    const double place = low + step * static_cast<double>(k % pairs), hz = hertz(place);
    const double width = std::min(static_cast<double>(taps), 2 * rate_hz / (hertz(place + step) - hz));
    double energy = 0;
    for (std::int64_t n = 0; n < taps; ++n) {
      const double at = static_cast<double>(n) - 0.5 * static_cast<double>(taps - 1);
      if (std::abs(at) > width / 2) continue;
      const double window = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * at / width);
      const double phase = 2 * std::numbers::pi * hz / rate_hz * at;
      const double value = window * (k < pairs ? std::cos(phase) : std::sin(phase));
      to[k * taps + n] = value;
      energy += value * value;
    }
    for (std::int64_t n = 0; n < taps; ++n) to[k * taps + n] /= std::sqrt(energy);
  }
  return out;
}

}  // namespace diffverb
