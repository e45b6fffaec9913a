#include "losses/band_energy.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_fft_c2c.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <string>

#include "core/error.h"

namespace diffverb {
namespace {

using Complex = c10::complex<float>;

/// Bands of one transform length share one batched transform.
std::vector<std::vector<std::size_t>> groups_by_length(const std::vector<EnvelopeBand>& bands) {
  std::vector<std::size_t> order(bands.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return bands[x].length < bands[y].length; });
  std::vector<std::vector<std::size_t>> groups;
  for (const std::size_t i : order) {
    if (groups.empty() || bands[groups.back()[0]].length != bands[i].length) groups.emplace_back();
    groups.back().push_back(i);
  }
  return groups;
}

struct Stretch {
  std::int64_t begin, end;
};
Stretch stretch(const EnvelopeBand& band, std::int64_t p, std::int64_t stretches) {
  const std::int64_t begin = std::min(p * band.hop, band.length);
  return {begin, p == stretches ? band.length : std::min((p + 1) * band.hop, band.length)};
}

class BandEnergy : public torch::autograd::Function<BandEnergy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& spectrum,
                            const c10::intrusive_ptr<BandPlan>& held) {
    const BandPlan& plan = *held;
    const auto input = spectrum.contiguous();
    const std::int64_t channels = input.size(0), bins = input.size(1);
    auto energy = at::zeros({static_cast<std::int64_t>(plan.bands.size()), channels, plan.stretches + 1}, at::kFloat);
    std::vector<at::Tensor> envelopes;
    const auto* y = input.const_data_ptr<Complex>();
    for (const auto& group : groups_by_length(plan.bands)) {
      const std::int64_t length = plan.bands[group[0]].length,
                         rows = static_cast<std::int64_t>(group.size()) * channels;
      auto buffer = at::zeros({rows, length}, at::kComplexFloat);
      auto* data = buffer.data_ptr<Complex>();
      at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          const EnvelopeBand& band = plan.bands[group[r / channels]];
          const Complex* from = y + (r % channels) * bins + band.first_bin;
          const auto* w = reinterpret_cast<const Complex*>(band.response.data());
          for (std::size_t k = 0; k < band.response.size(); ++k) data[r * length + k] = multiply(from[k], w[k]);
        }
      });
      auto envelope = at::_fft_c2c(buffer, {1}, 2, false);  // 2: divided by length
      const auto* z = envelope.const_data_ptr<Complex>();
      auto* out = energy.data_ptr<float>();
      at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          const std::size_t b = group[r / channels];
          const EnvelopeBand& band = plan.bands[b];
          const float scale = 2.0f * static_cast<float>(length) / static_cast<float>(plan.fft_size);
          float* row = out + (static_cast<std::int64_t>(b) * channels + r % channels) * (plan.stretches + 1);
          for (std::int64_t p = 0; p <= plan.stretches; ++p) {
            const auto [from, to] = stretch(band, p, plan.stretches);
            double sum = 0;
            for (std::int64_t t = from; t < to; ++t) {
              const Complex v = z[r * length + t];
              sum += v.real() * v.real() + v.imag() * v.imag();
            }
            row[p] = scale * static_cast<float>(sum);
          }
        }
      });
      envelopes.push_back(envelope);
    }
    context->save_for_backward(envelopes);
    context->saved_data["plan"] = at::IValue::make_capsule(held);
    context->saved_data["channels"] = channels;
    context->saved_data["bins"] = bins;
    return energy;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto held = c10::static_intrusive_pointer_cast<BandPlan>(context->saved_data["plan"].toCapsule());
    const BandPlan& plan = *held;
    const std::int64_t channels = context->saved_data["channels"].toInt(), bins = context->saved_data["bins"].toInt();
    const auto saved = context->get_saved_variables();
    const auto grad = grads[0].contiguous();
    auto result = at::zeros({channels, bins}, at::kComplexFloat);
    const float* g = grad.const_data_ptr<float>();
    auto* sum = result.data_ptr<Complex>();
    std::size_t index = 0;
    for (const auto& group : groups_by_length(plan.bands)) {
      const auto& envelope = saved[index++];
      const std::int64_t length = plan.bands[group[0]].length,
                         rows = static_cast<std::int64_t>(group.size()) * channels;
      auto buffer = at::empty_like(envelope);
      const auto* z = envelope.const_data_ptr<Complex>();
      auto* data = buffer.data_ptr<Complex>();
      at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          const std::size_t b = group[r / channels];
          const float scale =
              4.0f / static_cast<float>(plan.fft_size);  // 2 (square) * 2 L / nfft / L (inverse transform)
          const float* row = g + (static_cast<std::int64_t>(b) * channels + r % channels) * (plan.stretches + 1);
          for (std::int64_t p = 0; p <= plan.stretches; ++p) {
            const auto [from, to] = stretch(plan.bands[b], p, plan.stretches);
            const float weight = scale * row[p];
            for (std::int64_t t = from; t < to; ++t) data[r * length + t] = z[r * length + t] * weight;
          }
        }
      });
      const auto back = at::_fft_c2c(buffer, {1}, 0, true);
      const auto* spectrum = back.const_data_ptr<Complex>();
      for (std::int64_t c = 0; c < channels; ++c) {  // in order: the sum does not depend on the number of threads
        for (std::int64_t r = c; r < rows; r += channels) {
          const EnvelopeBand& band = plan.bands[group[r / channels]];
          const auto* w = reinterpret_cast<const Complex*>(band.response.data());
          Complex* to = sum + c * bins + band.first_bin;
          for (std::size_t k = 0; k < band.response.size(); ++k)
            to[k] += multiply(spectrum[r * length + k], std::conj(w[k]));
        }
      }
    }
    return {result, at::Tensor()};
  }

 private:
  /// c10's operator checks for infinities, which keeps it from being vectorised.
  static Complex multiply(Complex x, Complex y) {
    return {x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real()};
  }
};

}  // namespace

at::Tensor band_energy(const at::Tensor& spectrum, const c10::intrusive_ptr<BandPlan>& plan) {
  if (spectrum.dim() != 2 || spectrum.scalar_type() != at::kComplexFloat ||
      spectrum.size(1) != plan->fft_size / 2 + 1) {
    throw ContractError("band_energy: spectrum must be complex64 [C, " + std::to_string(plan->fft_size / 2 + 1) + "]");
  }
  if (!spectrum.device().is_cpu())
    throw ContractError("band_energy: the spectrum must be on the CPU (BandEnergyOperators takes others)");
  for (const EnvelopeBand& band : plan->bands) {
    if (band.first_bin < 0 || band.first_bin + static_cast<std::int64_t>(band.response.size()) > spectrum.size(1) ||
        band.length < static_cast<std::int64_t>(band.response.size()) || band.hop < 1) {
      throw ContractError("band_energy: a band lies outside of the spectrum or is longer than its transform");
    }
  }
  return BandEnergy::apply(spectrum, plan);
}

}  // namespace diffverb
