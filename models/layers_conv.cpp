#include "models/layers_conv.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/var_mean.h>

#include <algorithm>
#include <sstream>

#include "core/device/precision.h"
#include "core/error.h"
#include "core/tensor.h"
#include "models/layers_rows.h"

namespace diffverb {
namespace {

std::int64_t output_size(const ConvShape& s, std::int64_t input, std::int64_t kernel, std::int64_t stride) {
  if (!s.transposed) return (input + stride - 1) / stride;
  return input * stride + (s.valid ? std::max<std::int64_t>(kernel - stride, 0) : 0);
}

/// What TensorFlow's "same" adds in all: half of it, rounded down, stands before.
std::int64_t padding(const ConvShape& s, std::int64_t input, std::int64_t kernel, std::int64_t stride) {
  const std::int64_t output = output_size(s, input, kernel, stride);
  const std::int64_t small = s.transposed ? input : output, big = s.transposed ? output : input;
  return std::max<std::int64_t>((small - 1) * stride + kernel - big, 0);
}

void check(const Activation& in, const at::Tensor& kernel, const at::Tensor& bias, const ConvShape& s) {
  std::ostringstream message;
  if (in.values.dim() != 4 || in.values.size(3) != s.inputs || in.values.numel() == 0)
    message << "convolve: the input must be [B, F, T, " << s.inputs << "], none of them 0, got " << in.values.sizes();
  else if (kernel.sizes() != at::IntArrayRef(s.kernel_shape()))
    message << "convolve: the kernel must be " << at::IntArrayRef(s.kernel_shape()) << ", got " << kernel.sizes();
  else if (bias.sizes() != at::IntArrayRef({s.outputs}))
    message << "convolve: the bias must be [" << s.outputs << "], got " << bias.sizes();
  else if ((in.values.scalar_type() != kernel.scalar_type() && !is_autocasting()) ||
           in.values.device() != kernel.device())
    message << "convolve: the input is " << in.values.dtype() << " on " << in.values.device() << ", the kernel "
            << kernel.dtype() << " on " << kernel.device();
  else
    return;
  throw ContractError(message.str());
}

}  // namespace

std::int64_t ConvShape::output_f(std::int64_t input_f) const { return output_size(*this, input_f, kernel_f, stride_f); }
std::int64_t ConvShape::output_t(std::int64_t input_t) const { return output_size(*this, input_t, kernel_t, stride_t); }

std::vector<std::int64_t> ConvShape::kernel_shape() const {
  if (transposed) return {kernel_f, kernel_t, outputs, inputs};
  return {kernel_f, kernel_t, inputs, outputs};
}

ConvOutput convolve_by_rows(const Activation& input, const at::Tensor& kernel, const at::Tensor& bias,
                            const ConvShape& s, double slope, bool statistics) {
  check(input, kernel, bias, s);
  RowGeometry g;
  g.transposed = s.transposed;
  g.slope = slope;
  g.statistics = statistics;
  const std::int64_t in_f = input.values.size(1), in_t = input.values.size(2);
  const std::int64_t out_f = s.output_f(in_f), out_t = s.output_t(in_t);
  g.size = {input.values.size(0),
            s.transposed ? in_f : out_f,
            s.transposed ? in_t : out_t,
            s.transposed ? s.inputs : s.outputs,
            s.transposed ? out_f : in_f,
            s.transposed ? out_t : in_t,
            s.transposed ? s.outputs : s.inputs,
            s.kernel_f,
            s.kernel_t,
            s.stride_f,
            s.stride_t,
            padding(s, in_f, s.kernel_f, s.stride_f) / 2,
            padding(s, in_t, s.kernel_t, s.stride_t) / 2};
  const auto out = convolve_rows(input.values, input.scale, input.shift, kernel, bias, g);
  if (!statistics) return {out[0], {}, {}};
  return {out[0], out[1], out[2]};
}

ConvOutput convolve_by_library(const Activation& input, const at::Tensor& kernel, const at::Tensor& bias,
                               const ConvShape& s, double slope, bool statistics) {
  check(input, kernel, bias, s);
  auto x = input.materialised().permute({0, 3, 1, 2});  // channels last to LibTorch: no copy
  const std::int64_t in_f = x.size(2), in_t = x.size(3), out_f = s.output_f(in_f), out_t = s.output_t(in_t);
  const std::int64_t pad_f = padding(s, in_f, s.kernel_f, s.stride_f), pad_t = padding(s, in_t, s.kernel_t, s.stride_t);
  // Channels last throughout: as the values lie, and what tensor cores want.
  const auto weight = kernel.permute({3, 2, 0, 1}).contiguous(at::MemoryFormat::ChannelsLast);
  if (s.transposed) {
    x = at::conv_transpose2d(x, weight, bias, {s.stride_f, s.stride_t});
    x = x.narrow(2, pad_f / 2, out_f).narrow(3, pad_t / 2, out_t);
  } else {
    if (pad_f + pad_t > 0) x = at::constant_pad_nd(x, {pad_t / 2, pad_t - pad_t / 2, pad_f / 2, pad_f - pad_f / 2});
    x = at::conv2d(x, weight, bias, {s.stride_f, s.stride_t});
  }
  if (slope != 1) x = at::leaky_relu(x, slope);
  ConvOutput out;
  out.values = x.permute({0, 2, 3, 1}).contiguous();
  if (statistics) {
    // Of bfloat16 values, too, in the kernel's own type: they are sums over many.
    const auto values = out.values.to(kernel.scalar_type());
    std::tie(out.variance, out.mean) = at::var_mean(values, at::IntArrayRef({0, 1, 2}), /*correction=*/c10::Scalar(0));
  }
  return out;
}

ConvOutput convolve(const Activation& input, const at::Tensor& kernel, const at::Tensor& bias, const ConvShape& s,
                    double slope, bool statistics) {
  const auto type = kernel.scalar_type();
  const bool by_rows = kernel.device().is_cpu() && (type == at::kFloat || type == at::kDouble);
  return by_rows ? convolve_by_rows(input, kernel, bias, s, slope, statistics)
                 : convolve_by_library(input, kernel, bias, s, slope, statistics);
}

}  // namespace diffverb
