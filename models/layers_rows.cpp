#include "models/layers_rows.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/tensor.h"
#include "models/layers_kernel.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RowTensors {
  at::Tensor input, scale, shift, kernel, flipped, bias;
};

template <typename Scalar>
const Scalar* data_or_null(const at::Tensor& t) {
  return t.defined() ? t.const_data_ptr<Scalar>() : nullptr;
}

template <typename Scalar>
ConvProblem<Scalar> problem_of(const RowTensors& t, const RowGeometry& g) {
  ConvProblem<Scalar> p;
  p.transposed = g.transposed;
  std::int64_t* const sizes[13] = {&p.batch,    &p.small_f,  &p.small_t,  &p.small_c,  &p.big_f, &p.big_t, &p.big_c,
                                   &p.kernel_f, &p.kernel_t, &p.stride_f, &p.stride_t, &p.pad_f, &p.pad_t};
  for (std::size_t i = 0; i < 13; ++i) *sizes[i] = g.size[i];
  p.kernel = data_or_null<Scalar>(t.kernel);
  p.flipped = data_or_null<Scalar>(t.flipped);
  p.bias = data_or_null<Scalar>(t.bias);
  p.input = data_or_null<Scalar>(t.input);
  p.scale = data_or_null<Scalar>(t.scale);
  p.shift = data_or_null<Scalar>(t.shift);
  p.slope = static_cast<Scalar>(g.slope);
  return p;
}

/// The same parts for the same number of threads, whoever runs them: sums come out bit for bit alike.
template <class Work>
void for_each_part(std::int64_t rows, std::int64_t parts, const Work& work) {
  at::parallel_for(0, parts, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; ++part) work(part, rows * part / parts, rows * (part + 1) / parts);
  });
}

std::int64_t parts_for(std::int64_t rows) { return std::min<std::int64_t>(rows, at::get_num_threads()); }

at::Tensor tensor_like(const std::vector<double>& sums, const at::Tensor& like) {
  return at::tensor(sums, at::kDouble).to(like.options().requires_grad(false));
}

template <typename Scalar>
variable_list forward_on_cpu(const RowTensors& t, const RowGeometry& g) {
  const auto p = problem_of<Scalar>(t, g);
  auto values = at::empty({p.batch, p.output_f(), p.output_t(), p.output_c()}, t.kernel.options().requires_grad(false));
  auto* out = values.template mutable_data_ptr<Scalar>();
  const std::int64_t rows = p.batch * p.output_f(), parts = parts_for(rows);
  std::vector<ConvSums> sums(parts);
  for_each_part(rows, parts, [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
    if (g.statistics) {
      sums[part].value.assign(p.output_c(), 0);
      sums[part].square.assign(p.output_c(), 0);
    }
    conv_forward(p, begin, end, out, sums[part]);
  });
  if (!g.statistics) return {values};
  const double count = static_cast<double>(rows * p.output_t());
  std::vector<double> mean(p.output_c()), variance(p.output_c());
  for (std::int64_t c = 0; c < p.output_c(); ++c) {
    double square = 0;
    for (const ConvSums& part : sums) {
      mean[c] += part.value[c];
      square += part.square[c];
    }
    mean[c] /= count;
    variance[c] = std::max(0.0, square / count - mean[c] * mean[c]);
  }
  return {values, tensor_like(mean, t.kernel), tensor_like(variance, t.kernel)};
}

struct RowGradients {
  at::Tensor input, scale, shift, kernel, bias;
};

template <typename Scalar>
RowGradients backward_on_cpu(const RowTensors& t, const RowGeometry& g, const at::Tensor& values,
                             const at::Tensor& grad, const at::Tensor& offset, const at::Tensor& pull,
                             bool needs_input) {
  const auto p = problem_of<Scalar>(t, g);
  const ConvGradientInput<Scalar> in{data_or_null<Scalar>(values), data_or_null<Scalar>(grad),
                                     data_or_null<Scalar>(offset), data_or_null<Scalar>(pull)};
  RowGradients out;
  if (needs_input) out.input = at::empty_like(t.input);
  auto* grad_input = needs_input ? out.input.template mutable_data_ptr<Scalar>() : nullptr;
  const std::int64_t rows = p.batch * p.input_f(), parts = parts_for(rows);
  std::vector<ConvGradient<Scalar>> sums(parts);
  for_each_part(rows, parts, [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
    sums[part].resize(p);
    conv_backward(p, begin, end, in, grad_input, sums[part]);
  });
  for (std::int64_t part = 1; part < parts; ++part) sums[0].add(sums[part]);
  out.kernel = at::empty_like(t.kernel);
  std::copy(sums[0].kernel.begin(), sums[0].kernel.end(), out.kernel.template mutable_data_ptr<Scalar>());
  out.bias = tensor_like(sums[0].bias, t.bias);
  if (t.scale.defined()) {
    out.scale = tensor_like(sums[0].scale, t.scale);
    out.shift = tensor_like(sums[0].shift, t.scale);
  }
  return out;
}

at::Tensor contiguous_or_none(const std::optional<at::Tensor>& t) { return t ? t->contiguous() : at::Tensor(); }

/// LibTorch takes an undefined tensor for an input that it must know the device of.
std::optional<at::Tensor> optional(const at::Tensor& t) {
  return t.defined() ? std::optional<at::Tensor>(t) : std::nullopt;
}

at::Tensor flip(const at::Tensor& kernel) { return kernel.permute({0, 3, 1, 2}).contiguous(); }

class ConvolveRows : public torch::autograd::Function<ConvolveRows> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& input,
                               const std::optional<at::Tensor>& scale, const std::optional<at::Tensor>& shift,
                               const at::Tensor& kernel, const at::Tensor& bias, const RowGeometry& geometry) {
    RowTensors t{input.contiguous(), contiguous_or_none(scale), contiguous_or_none(shift), kernel.contiguous(), {},
                 bias.contiguous()};
    if (geometry.transposed) t.flipped = flip(t.kernel);
    auto out =
        t.kernel.scalar_type() == at::kFloat ? forward_on_cpu<float>(t, geometry) : forward_on_cpu<double>(t, geometry);
    context->save_for_backward(
        {t.input, t.scale, t.shift, t.kernel, t.bias, out[0], geometry.statistics ? out[1] : at::Tensor()});
    context->saved_data["size"] = std::vector<std::int64_t>(geometry.size.begin(), geometry.size.end());
    context->saved_data["transposed"] = geometry.transposed;
    context->saved_data["statistics"] = geometry.statistics;
    context->saved_data["slope"] = geometry.slope;
    context->set_materialize_grads(false);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled())
      throw ContractError("convolve: a second derivative is not provided (create_graph was set)");
    const auto saved = context->get_saved_variables();
    RowTensors t{saved[0], saved[1], saved[2], saved[3], {}, saved[4]};
    RowGeometry g;
    const auto size = context->saved_data["size"].toIntVector();
    std::copy(size.begin(), size.end(), g.size.begin());
    g.transposed = context->saved_data["transposed"].toBool();
    g.statistics = context->saved_data["statistics"].toBool();
    g.slope = context->saved_data["slope"].toDouble();
    const at::Tensor &values = saved[5], &mean = saved[6];
    const auto grad = grads[0].defined() ? grads[0].contiguous() : at::zeros_like(values);
    at::Tensor offset, pull;
    if (g.statistics && (grads[1].defined() || grads[2].defined())) {
      // mean = sum v / N and variance = sum v^2 / N - mean^2: what flows through them is linear in v.
      const double share = static_cast<double>(values.size(3)) / static_cast<double>(values.numel());
      pull = grads[2].defined() ? grads[2] * (2 * share) : at::zeros_like(mean);
      offset = (grads[1].defined() ? grads[1] * share : at::zeros_like(mean)) - pull * mean;
      offset = offset.contiguous();
      pull = pull.contiguous();
    }
    const bool needs_input = context->needs_input_grad(0) || (t.scale.defined() && context->needs_input_grad(1));
    if (needs_input && !g.transposed) t.flipped = flip(t.kernel);
    const auto out = t.kernel.scalar_type() == at::kFloat
                         ? backward_on_cpu<float>(t, g, values, grad, offset, pull, needs_input)
                         : backward_on_cpu<double>(t, g, values, grad, offset, pull, needs_input);
    return {out.input, out.scale, out.shift, out.kernel, out.bias, at::Tensor()};
  }
};

}  // namespace

std::vector<at::Tensor> convolve_rows(const at::Tensor& input, const at::Tensor& scale, const at::Tensor& shift,
                                      const at::Tensor& kernel, const at::Tensor& bias, const RowGeometry& geometry) {
  return ConvolveRows::apply(input, optional(scale), optional(shift), kernel, bias, geometry);
}

}  // namespace diffverb
