#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// A convolution over [B, F, T, C] with TensorFlow's padding, or its transpose.
///
/// "same": ceil(n / stride) outputs; of the padding that this takes, the odd row or column goes to the bottom and
/// right. Transposed: n stride outputs, or with `valid` n stride + max(kernel - stride, 0).
struct ConvShape {
  bool transposed = false;
  std::int64_t inputs = 1, outputs = 1;
  std::int64_t kernel_f = 1, kernel_t = 1, stride_f = 1, stride_t = 1;
  bool valid = false;  // transposed only

  std::int64_t output_f(std::int64_t input_f) const;
  std::int64_t output_t(std::int64_t input_t) const;
  /// [kernel_f, kernel_t, inputs, outputs], transposed [kernel_f, kernel_t, outputs, inputs]: as TensorFlow keeps it
  std::vector<std::int64_t> kernel_shape() const;
};

/// Values and what is still to be done to them, channel by channel: scale values + shift. The next convolution does it
/// while it reads, so that no layer's output is written a second time.
struct Activation {
  at::Tensor values;        // [B, F, T, C], contiguous
  at::Tensor scale, shift;  // [C]; undefined: nothing to do

  at::Tensor materialised() const { return scale.defined() ? values * scale + shift : values; }
};

struct ConvOutput {
  at::Tensor values;          // [B, F', T', C']
  at::Tensor mean, variance;  // [C'], over batch, rows and columns, biased; undefined where not asked for
};

/// values = leaky(conv(scale x + shift, kernel) + bias), and their statistics: a convolution block up to its batch
/// norm.
///
/// Reads    kernel of shape.kernel_shape(), bias [outputs], slope of the leaky ReLU (1: none)
/// Gradient analytic, first order; an input that needs none costs none
/// Throws   ContractError where sizes or types do not fit
ConvOutput convolve(const Activation& input, const at::Tensor& kernel, const at::Tensor& bias, const ConvShape& shape,
                    double slope, bool statistics);

/// The two that convolve() chooses from: rows of pixels in own kernels (CPU, float32 or float64), or
/// LibTorch's operators (any device). They agree to rounding.
ConvOutput convolve_by_rows(const Activation& input, const at::Tensor& kernel, const at::Tensor& bias,
                            const ConvShape& shape, double slope, bool statistics);
ConvOutput convolve_by_library(const Activation& input, const at::Tensor& kernel, const at::Tensor& bias,
                               const ConvShape& shape, double slope, bool statistics);

}  // namespace diffverb
