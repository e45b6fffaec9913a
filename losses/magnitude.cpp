#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <sstream>

#include "core/device/device.h"
#include "core/error.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Bins are summed up in stretches of this many, in order: the sum does not depend on the number of threads.
constexpr std::int64_t kStretch = 4096;

/// Sum of (|h| - m)^2 over `count` bins; `gradient`, where wanted, gets 2 scale (|h| - m) h / |h|, and 0 where h is 0.
template <typename Scalar>
double squared_error(const Scalar* h, const Scalar* m, std::int64_t count, Scalar scale, Scalar* gradient) {
  constexpr int kBlock = 32;  // in blocks: what is added up in order would not be vectorised together with the rest
  double sum = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const int size = static_cast<int>(std::min<std::int64_t>(kBlock, count - begin));
    Scalar error[kBlock], share[kBlock];
    const Scalar *at = h + 2 * begin, *target = m + begin;
    for (int i = 0; i < size; ++i) {
      const Scalar re = at[2 * i], im = at[2 * i + 1], modulus = std::sqrt(re * re + im * im);
      error[i] = modulus - target[i];
      share[i] = modulus > 0 ? 2 * scale * error[i] / modulus : Scalar(0);
    }
    for (int i = 0; i < size; ++i) sum += static_cast<double>(error[i]) * error[i];
    for (int i = 0; gradient && i < size; ++i) {
      gradient[2 * (begin + i)] = share[i] * at[2 * i];
      gradient[2 * (begin + i) + 1] = share[i] * at[2 * i + 1];
    }
  }
  return sum;
}

/// The mean of (|H| - m)^2 on the CPU, value and gradient in one pass over H.
class MeanSquaredError : public torch::autograd::Function<MeanSquaredError> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& response, const at::Tensor& target,
                            bool with_gradient) {
    const auto h = response.resolve_conj().contiguous();
    auto gradient = with_gradient ? at::empty_like(h) : at::Tensor();
    const double mean =
        target.scalar_type() == at::kFloat ? run<float>(h, target, gradient) : run<double>(h, target, gradient);
    if (with_gradient) context->save_for_backward({gradient});
    return at::scalar_tensor(mean, target.options());
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled())
      throw ContractError("magnitude: a gradient of the gradient is not supported (create_graph)");
    return {context->get_saved_variables()[0] * gradients[0], at::Tensor(), at::Tensor()};
  }

 private:
  template <typename Scalar>
  static double run(const at::Tensor& h, const at::Tensor& target, at::Tensor& gradient) {
    const std::int64_t count = target.numel(), stretches = (count + kStretch - 1) / kStretch;
    const auto* from = static_cast<const Scalar*>(h.const_data_ptr());
    const auto* magnitude = target.const_data_ptr<Scalar>();
    auto* to = gradient.defined() ? static_cast<Scalar*>(gradient.mutable_data_ptr()) : nullptr;
    const auto scale = static_cast<Scalar>(1.0 / static_cast<double>(count));
    std::vector<double> sums(static_cast<std::size_t>(stretches));
    at::parallel_for(0, stretches, 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t s = first; s < last; ++s) {
        const std::int64_t begin = s * kStretch, size = std::min(kStretch, count - begin);
        sums[static_cast<std::size_t>(s)] =
            squared_error(from + 2 * begin, magnitude + begin, size, scale, to ? to + 2 * begin : nullptr);
      }
    });
    double sum = 0;
    for (const double part : sums) sum += part;
    return sum / static_cast<double>(count);
  }
};

/// Mean squared error of the transfer function's magnitude; of a target of ones: how far from colourless.
///
///   L = mean_{b,o,i,f} (|H| - |G|)^2,   H the estimate, G the target
///
/// Reads    response.transfer_function [B, O, I, F] complex, target.transfer_function of the same shape
/// Returns  scalar, amplitude squared; >= 0; 0 iff the magnitudes are equal
/// Gradient 2 (|H| - |G|) H / |H| / (B O I F), 0 where H is 0
/// Throws   ContractError on unequal shapes, types, devices or rates
/// Source   with |G| = 1: Dal Santo et al. 2024, Optimizing tiny colorless feedback delay networks (arXiv 2402.11216)
class Magnitude final : public Loss {
 public:
  explicit Magnitude(Fields&) {}

  void prepare(const Response& target) override {
    const at::Tensor& h = target.transfer_function();
    if (h.dim() != 4 || h.numel() == 0 || !h.is_complex()) {
      std::ostringstream message;
      message << "magnitude: the target's transfer_function must be [B, O, I, F], complex, none of its sizes 0, got "
              << h.sizes() << ' ' << h.dtype();
      throw ContractError(message.str());
    }
    target_ = h.detach().abs().contiguous();
    rate_hz_ = target.sample_rate_hz();
  }

  at::Tensor evaluate(const Response& response) const override {
    if (!target_.defined()) throw ContractError("magnitude: evaluate() before prepare()");
    const at::Tensor& h = response.transfer_function();
    if (h.sizes() != target_.sizes() || h.scalar_type() != c10::toComplexType(target_.scalar_type()) ||
        h.device() != target_.device() || response.sample_rate_hz() != rate_hz_) {
      std::ostringstream message;
      message << "magnitude: the response's transfer_function must be as the target's, " << target_.sizes() << " at "
              << rate_hz_ << " Hz, got " << h.sizes() << ' ' << h.dtype() << " at " << response.sample_rate_hz()
              << " Hz";
      throw ContractError(message.str());
    }
    if (on_gpu(h) || !h.is_cpu()) return (h.abs() - target_).square().mean();
    return MeanSquaredError::apply(h, target_, at::GradMode::is_enabled() && h.requires_grad());
  }

 private:
  at::Tensor target_;  // [B, O, I, F]
  double rate_hz_ = 0;
};

}  // namespace

DIFFVERB_PART(losses, magnitude, Magnitude, "Mean squared error of the transfer function's magnitude",
              "Dal Santo et al. 2024 (colourless)")

}  // namespace diffverb
