#pragma once

#include <cstdint>
#include <vector>

namespace diffverb {

/// A convolution over [B, F, T, C] (channels last, F rows, T columns) or its transpose, with what surrounds it in a
/// block: the scale and shift of a batch norm before it, bias and leaky ReLU after it. Plain pointers, no tensors.
///
/// Both directions join a small side (the output of a convolution, the input of a transposed one) and a big side:
///
///   big(f, t) takes part in small(i, j) through kernel(f + pad_f - stride_f i, t + pad_t - stride_t j)
///
/// so that the patch of big which belongs to one small pixel is a contiguous stretch in each row, and each row of
/// either side is a matrix product of whole rows: no patches are copied together.
template <typename Scalar>
struct ConvProblem {
  bool transposed = false;
  std::int64_t batch = 0;
  std::int64_t small_f = 0, small_t = 0, small_c = 0, big_f = 0, big_t = 0, big_c = 0;
  std::int64_t kernel_f = 1, kernel_t = 1, stride_f = 1, stride_t = 1, pad_f = 0, pad_t = 0;
  const Scalar* kernel = nullptr;   // [kernel_f, kernel_t, big_c, small_c]
  const Scalar* flipped = nullptr;  // [kernel_f, small_c, kernel_t, big_c]: the same numbers
  const Scalar* bias = nullptr;     // [C of the output]
  const Scalar* input = nullptr;
  const Scalar* scale = nullptr;  // [C of the input]; nullptr: the input is taken as it is
  const Scalar* shift = nullptr;
  Scalar slope = 1;  // of the leaky ReLU; 1 for none

  std::int64_t input_f() const { return transposed ? small_f : big_f; }
  std::int64_t output_f() const { return transposed ? big_f : small_f; }
  std::int64_t input_t() const { return transposed ? small_t : big_t; }
  std::int64_t output_t() const { return transposed ? big_t : small_t; }
  std::int64_t input_c() const { return transposed ? small_c : big_c; }
  std::int64_t output_c() const { return transposed ? big_c : small_c; }
  std::int64_t kernel_size() const { return kernel_f * kernel_t * big_c * small_c; }
};

/// Sums over all pixels of the output, for the batch norm after it.
struct ConvSums {
  std::vector<double> value, square;  // [C of the output]; empty where nobody asked
};

/// Writes output rows [begin, end), counted over all images: output = leaky(conv(scale input + shift) + bias).
template <typename Scalar>
void conv_forward(const ConvProblem<Scalar>& problem, std::int64_t begin, std::int64_t end, Scalar* output,
                  ConvSums& sums);

/// What the backward pass reads beside the problem itself. The gradient that reaches the leaky ReLU's output is
///   grad + offset + pull output
/// where offset and pull carry what flows through the batch's mean and variance.
template <typename Scalar>
struct ConvGradientInput {
  const Scalar* output = nullptr;
  const Scalar* grad = nullptr;
  const Scalar* offset = nullptr;  // [C of the output]; nullptr for none
  const Scalar* pull = nullptr;
};

/// Sums of one range of input rows; add() joins ranges in a fixed order.
template <typename Scalar>
struct ConvGradient {
  std::vector<Scalar> kernel;
  std::vector<double> bias, scale, shift;
  void resize(const ConvProblem<Scalar>& problem);
  void add(const ConvGradient& other);
};

/// Gradients from the input rows [begin, end), counted over all images: each output row's share in the kernel's
/// gradient is taken where its input row stands, so that ranges never write to the same place.
///
/// `grad_input` may be nullptr: the first layer's input needs none.
template <typename Scalar>
void conv_backward(const ConvProblem<Scalar>& problem, std::int64_t begin, std::int64_t end,
                   const ConvGradientInput<Scalar>& in, Scalar* grad_input, ConvGradient<Scalar>& gradient);

}  // namespace diffverb
