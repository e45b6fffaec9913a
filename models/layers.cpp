#include "models/layers.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/collective.h"
#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

at::Tensor leaf(at::Tensor value) { return value.set_requires_grad(true); }

struct BatchStatistics {
  at::Tensor mean, variance;
  double count = 0;  // numbers a channel
};

/// A batch's statistics over all ranks, of which each has an equal part, with their gradient, from this rank's own.
///
///   mean = sum_r mean_r / R,  variance = sum_r (variance_r + mean_r^2) / R - mean^2
///
/// In float64: the difference of two squares loses no more than the rounding of the parts did.
BatchStatistics statistics_over_ranks(const ConvOutput& in) {
  BatchStatistics out{in.mean, in.variance, static_cast<double>(in.values.numel() / in.values.size(3))};
  const int ranks = collective().size();
  if (ranks == 1) return out;
  const auto mean = in.mean.to(at::kDouble);
  const auto sums = all_reduce_sum(at::stack({mean, in.variance.to(at::kDouble) + mean.square()})) / ranks;
  out.mean = sums[0].to(in.mean.scalar_type());
  out.variance = (sums[1] - sums[0].square()).clamp_min(0).to(in.mean.scalar_type());
  out.count *= ranks;
  return out;
}

}  // namespace

Activation BatchNorm::apply(const ConvOutput& in, bool training) {
  BatchStatistics used{mean, variance};
  if (training) {
    used = statistics_over_ranks(in);
    if (used.count < 2)
      throw ContractError("batch norm: training needs at least two numbers a channel, got a batch of one 1 x 1 image");
    const at::NoGradGuard no_grad;
    const double unbiased = used.count / (used.count - 1) * used.count / (used.count - 1 - epsilon);
    mean.lerp_(used.mean, 1 - momentum);
    variance.lerp_(used.variance * unbiased, 1 - momentum);
  }
  Activation out;
  out.values = in.values;
  out.scale = gamma * at::rsqrt(used.variance + epsilon);
  out.shift = beta - used.mean * out.scale;
  return out;
}

ConvBlock::ConvBlock(const Options& options, const at::TensorOptions& type) : options_(options) {
  const std::int64_t channels = options.shape.outputs;
  kernel_ = leaf(at::zeros(options.shape.kernel_shape(), type));
  bias_ = leaf(at::zeros({channels}, type));
  if (!options.norm) return;
  norm_.momentum = options.momentum;
  norm_.epsilon = options.epsilon;
  norm_.gamma = leaf(at::ones({channels}, type));
  norm_.beta = leaf(at::zeros({channels}, type));
  norm_.mean = at::zeros({channels}, type);
  norm_.variance = at::ones({channels}, type);
}

void ConvBlock::reset(Random& random) {
  const ConvShape& s = options_.shape;
  const double taps = static_cast<double>(s.kernel_f * s.kernel_t);
  const double limit = std::sqrt(6 / (taps * static_cast<double>(s.inputs + s.outputs)));
  std::vector<double> values(static_cast<std::size_t>(kernel_.numel()));
  for (double& value : values) value = random.uniform(-limit, limit);
  const at::NoGradGuard no_grad;
  kernel_.copy_(at::tensor(values, at::kDouble).reshape(kernel_.sizes()));
  bias_.zero_();
  if (!options_.norm) return;
  norm_.gamma.fill_(1);
  norm_.beta.zero_();
  norm_.mean.zero_();
  norm_.variance.fill_(1);
}

Activation ConvBlock::forward(const Activation& in, bool training) {
  const ConvOutput out = convolve(in, kernel_, bias_, options_.shape, options_.slope, options_.norm && training);
  if (!options_.norm) return {out.values, {}, {}};
  return norm_.apply(out, training);
}

void ConvBlock::add_parameters(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  to[prefix + "kernel"] = kernel_;
  to[prefix + "bias"] = bias_;
  if (!options_.norm) return;
  to[prefix + "gamma"] = norm_.gamma;
  to[prefix + "beta"] = norm_.beta;
}

void ConvBlock::add_buffers(const std::string& prefix, std::map<std::string, at::Tensor>& to) const {
  if (!options_.norm) return;
  to[prefix + "mean"] = norm_.mean;
  to[prefix + "variance"] = norm_.variance;
}

}  // namespace diffverb
