// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_LAYERS_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_LAYERS_KERNEL_INL_H_
#undef DIFFVERB_LAYERS_KERNEL_INL_H_
#else
#define DIFFVERB_LAYERS_KERNEL_INL_H_
#endif

#include <algorithm>
#include <functional>
#include <vector>

#include "models/layers_gemm-inl.h"
#include "models/layers_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {

/// The last few rows of one side, made on demand: neighbouring output rows share most of their input rows.
template <typename Scalar>
class RowRing {
 public:
  RowRing(std::int64_t rows, std::int64_t row_size)
      : row_size_(row_size), tags_(rows, -1), data_(rows * row_size, Scalar(0)) {}

  /// Row `row` of image `image` out of `per_image`; `make(Scalar*)` fills it where it is not there yet.
  template <class Make>
  HWY_INLINE Scalar* get(std::int64_t image, std::int64_t row, std::int64_t per_image, const Make& make) {
    const std::int64_t slot = row % static_cast<std::int64_t>(tags_.size()), tag = image * per_image + row;
    Scalar* place = data_.data() + slot * row_size_;
    if (tags_[slot] != tag) {
      make(place);
      tags_[slot] = tag;
    }
    return place;
  }

 private:
  std::int64_t row_size_;
  std::vector<std::int64_t> tags_;
  std::vector<Scalar> data_;
};

/// Columns of a row of the big side with its padding: the patch of small column j starts at column stride_t j.
template <typename Scalar>
std::int64_t padded_columns(const ConvProblem<Scalar>& p) {
  return std::max((p.small_t - 1) * p.stride_t + p.kernel_t, p.pad_t + p.big_t);
}

/// to = scale from + shift, channel by channel.
template <typename Scalar>
void normalise_row(const ConvProblem<Scalar>& p, const Scalar* HWY_RESTRICT from, Scalar* HWY_RESTRICT to) {
  const std::int64_t columns = p.input_t(), channels = p.input_c();
  if (!p.scale) {
    std::copy(from, from + columns * channels, to);
    return;
  }
  for (std::int64_t t = 0; t < columns; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) to[t * channels + c] = from[t * channels + c] * p.scale[c] + p.shift[c];
  }
}

/// Leaky ReLU of a row, and its sums.
template <typename Scalar>
void finish_row(const ConvProblem<Scalar>& p, const Scalar* HWY_RESTRICT from, Scalar* HWY_RESTRICT to,
                std::vector<Scalar>& row_sums, ConvSums& sums) {
  const std::int64_t columns = p.output_t(), channels = p.output_c();
  const Scalar slope = p.slope;
  if (sums.value.empty()) {
    for (std::int64_t i = 0; i < columns * channels; ++i) to[i] = from[i] > 0 ? from[i] : slope * from[i];
    return;
  }
  std::fill(row_sums.begin(), row_sums.end(), Scalar(0));
  Scalar* HWY_RESTRICT value = row_sums.data();
  Scalar* HWY_RESTRICT square = row_sums.data() + channels;
  for (std::int64_t t = 0; t < columns; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const Scalar x = from[t * channels + c], y = x > 0 ? x : slope * x;
      to[t * channels + c] = y;
      value[c] += y;
      square[c] += y * y;
    }
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    sums.value[c] += value[c];
    sums.square[c] += square[c];
  }
}

/// dL/dx in front of the leaky ReLU, whose output has the sign of its input.
template <typename Scalar>
void slope_row(const ConvProblem<Scalar>& p, const ConvGradientInput<Scalar>& in, std::int64_t at,
               Scalar* HWY_RESTRICT to) {
  const std::int64_t columns = p.output_t(), channels = p.output_c();
  const Scalar* HWY_RESTRICT grad = in.grad + at;
  const Scalar* HWY_RESTRICT output = in.output + at;
  const Scalar slope = p.slope;
  if (!in.offset) {
    for (std::int64_t i = 0; i < columns * channels; ++i) to[i] = output[i] > 0 ? grad[i] : slope * grad[i];
    return;
  }
  for (std::int64_t t = 0; t < columns; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t i = t * channels + c;
      const Scalar g = grad[i] + in.offset[c] + in.pull[c] * output[i];
      to[i] = output[i] > 0 ? g : slope * g;
    }
  }
}

template <typename Scalar>
void fill_rows(const Scalar* bias, std::int64_t columns, std::int64_t channels, Scalar* to) {
  for (std::int64_t t = 0; t < columns; ++t) std::copy(bias, bias + channels, to + t * channels);
}

template <typename Scalar>
void forward_convolved(const ConvProblem<Scalar>& p, std::int64_t begin, std::int64_t end, Scalar* output,
                       ConvSums& sums) {
  RowRing<Scalar> ring(p.kernel_f, padded_columns(p) * p.big_c);
  const std::int64_t depth = p.kernel_t * p.big_c, in_row = p.big_t * p.big_c, out_row = p.small_t * p.small_c;
  std::vector<Scalar> row_sums(2 * p.small_c), row(out_row);
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t image = n / p.small_f, i = n % p.small_f;
    fill_rows(p.bias, p.small_t, p.small_c, row.data());
    for (std::int64_t k = 0; k < p.kernel_f; ++k) {
      const std::int64_t f = p.stride_f * i + k - p.pad_f;
      if (f < 0 || f >= p.big_f) continue;
      const Scalar* patches = ring.get(image, f, p.big_f, [&](Scalar* to) {
        normalise_row(p, p.input + (image * p.big_f + f) * in_row, to + p.pad_t * p.big_c);
      });
      multiply_add<Scalar>(p.small_t, p.small_c, depth, {patches, p.stride_t * p.big_c, 1},
                           p.kernel + k * depth * p.small_c, p.small_c, row.data(), p.small_c);
    }
    finish_row(p, row.data(), output + n * out_row, row_sums, sums);
  }
}

template <typename Scalar>
void forward_transposed(const ConvProblem<Scalar>& p, std::int64_t begin, std::int64_t end, Scalar* output,
                        ConvSums& sums) {
  RowRing<Scalar> ring(p.kernel_f, p.small_t * p.small_c);
  std::vector<Scalar> row_sums(2 * p.big_c), padded(padded_columns(p) * p.big_c);
  const std::int64_t width = p.kernel_t * p.big_c, in_row = p.small_t * p.small_c;
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t image = n / p.big_f, f = n % p.big_f;
    fill_rows(p.bias, padded_columns(p), p.big_c, padded.data());
    for (std::int64_t k = (f + p.pad_f) % p.stride_f; k < p.kernel_f; k += p.stride_f) {
      const std::int64_t i = (f + p.pad_f - k) / p.stride_f;
      if (f + p.pad_f < k || i >= p.small_f) continue;
      const Scalar* row = ring.get(
          image, i, p.small_f, [&](Scalar* to) { normalise_row(p, p.input + (image * p.small_f + i) * in_row, to); });
      multiply_add<Scalar>(p.small_t, width, p.small_c, {row, p.small_c, 1}, p.flipped + k * width * p.small_c, width,
                           padded.data(), p.stride_t * p.big_c);
    }
    finish_row(p, padded.data() + p.pad_t * p.big_c, output + n * p.big_t * p.big_c, row_sums, sums);
  }
}

/// Gradient of what normalise_row() made, on to what it was made from.
template <typename Scalar>
void pull_back_row(const ConvProblem<Scalar>& p, const Scalar* HWY_RESTRICT from, std::int64_t at,
                   std::vector<Scalar>& row_sums, Scalar* HWY_RESTRICT to, ConvGradient<Scalar>& gradient) {
  const std::int64_t columns = p.input_t(), channels = p.input_c();
  if (!p.scale) {
    std::copy(from, from + columns * channels, to + at);
    return;
  }
  std::fill(row_sums.begin(), row_sums.end(), Scalar(0));
  Scalar* HWY_RESTRICT scale = row_sums.data();
  Scalar* HWY_RESTRICT shift = row_sums.data() + channels;
  for (std::int64_t t = 0; t < columns; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const Scalar g = from[t * channels + c];
      to[at + t * channels + c] = g * p.scale[c];
      scale[c] += g * p.input[at + t * channels + c];
      shift[c] += g;
    }
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    gradient.scale[c] += scale[c];
    gradient.shift[c] += shift[c];
  }
}

template <typename Scalar>
void add_bias_gradient(const Scalar* HWY_RESTRICT row, std::int64_t columns, std::int64_t channels,
                       std::vector<Scalar>& row_sums, std::vector<double>& bias) {
  std::fill(row_sums.begin(), row_sums.end(), Scalar(0));
  Scalar* HWY_RESTRICT sum = row_sums.data();
  for (std::int64_t t = 0; t < columns; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) sum[c] += row[t * channels + c];
  }
  for (std::int64_t c = 0; c < channels; ++c) bias[c] += sum[c];
}

template <typename Scalar>
void backward_convolved(const ConvProblem<Scalar>& p, std::int64_t begin, std::int64_t end,
                        const ConvGradientInput<Scalar>& in, Scalar* grad_input, ConvGradient<Scalar>& gradient) {
  const std::int64_t patch = p.kernel_t * p.big_c, in_row = p.big_t * p.big_c, out_row = p.small_t * p.small_c;
  RowRing<Scalar> slopes(p.kernel_f, out_row);
  std::vector<Scalar> sums(2 * std::max(p.big_c, p.small_c));
  std::vector<Scalar> row(padded_columns(p) * p.big_c, Scalar(0)), grad(row.size());
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t image = n / p.big_f, f = n % p.big_f;
    normalise_row(p, p.input + n * in_row, row.data() + p.pad_t * p.big_c);
    std::fill(grad.begin(), grad.end(), Scalar(0));
    for (std::int64_t k = (f + p.pad_f) % p.stride_f; k < p.kernel_f; k += p.stride_f) {
      const std::int64_t i = (f + p.pad_f - k) / p.stride_f;
      if (f + p.pad_f < k || i >= p.small_f) continue;
      const Scalar* slope =
          slopes.get(image, i, p.small_f, [&](Scalar* to) { slope_row(p, in, (image * p.small_f + i) * out_row, to); });
      if (f == std::max<std::int64_t>(0, p.stride_f * i - p.pad_f))
        add_bias_gradient(slope, p.small_t, p.small_c, sums, gradient.bias);
      multiply_add<Scalar>(patch, p.small_c, p.small_t, {row.data(), 1, p.stride_t * p.big_c}, slope, p.small_c,
                           gradient.kernel.data() + k * patch * p.small_c, p.small_c);
      if (grad_input)
        multiply_add<Scalar>(p.small_t, patch, p.small_c, {slope, p.small_c, 1}, p.flipped + k * patch * p.small_c,
                             patch, grad.data(), p.stride_t * p.big_c);
    }
    if (grad_input) pull_back_row(p, grad.data() + p.pad_t * p.big_c, n * in_row, sums, grad_input, gradient);
  }
}

template <typename Scalar>
void backward_transposed(const ConvProblem<Scalar>& p, std::int64_t begin, std::int64_t end,
                         const ConvGradientInput<Scalar>& in, Scalar* grad_input, ConvGradient<Scalar>& gradient) {
  const std::int64_t patch = p.kernel_t * p.big_c, in_row = p.small_t * p.small_c, out_row = p.big_t * p.big_c;
  RowRing<Scalar> slopes(p.kernel_f, padded_columns(p) * p.big_c);
  std::vector<Scalar> sums(2 * std::max(p.big_c, p.small_c));
  std::vector<Scalar> row(in_row), grad(in_row);
  for (std::int64_t n = begin; n < end; ++n) {
    const std::int64_t image = n / p.small_f, i = n % p.small_f;
    normalise_row(p, p.input + n * in_row, row.data());
    std::fill(grad.begin(), grad.end(), Scalar(0));
    for (std::int64_t k = 0; k < p.kernel_f; ++k) {
      const std::int64_t f = p.stride_f * i + k - p.pad_f;
      if (f < 0 || f >= p.big_f) continue;
      const Scalar* slope = slopes.get(image, f, p.big_f, [&](Scalar* to) {
        slope_row(p, in, (image * p.big_f + f) * out_row, to + p.pad_t * p.big_c);
      });
      const std::int64_t reach = f + p.pad_f - p.kernel_f + 1;  // the first input row that takes part in output row f
      if (i == (reach <= 0 ? 0 : (reach + p.stride_f - 1) / p.stride_f))
        add_bias_gradient(slope + p.pad_t * p.big_c, p.big_t, p.big_c, sums, gradient.bias);
      multiply_add<Scalar>(patch, p.small_c, p.small_t, {slope, 1, p.stride_t * p.big_c}, row.data(), p.small_c,
                           gradient.kernel.data() + k * patch * p.small_c, p.small_c);
      if (grad_input)
        multiply_add<Scalar>(p.small_t, p.small_c, patch, {slope, p.stride_t * p.big_c, 1},
                             p.kernel + k * patch * p.small_c, p.small_c, grad.data(), p.small_c);
    }
    if (grad_input) pull_back_row(p, grad.data(), n * in_row, sums, grad_input, gradient);
  }
}

template <typename Scalar>
void forward_rows(const ConvProblem<Scalar>& p, std::int64_t begin, std::int64_t end, Scalar* output, ConvSums& sums) {
  p.transposed ? forward_transposed(p, begin, end, output, sums) : forward_convolved(p, begin, end, output, sums);
}

template <typename Scalar>
void backward_rows(const ConvProblem<Scalar>& p, std::int64_t begin, std::int64_t end,
                   const ConvGradientInput<Scalar>& in, Scalar* grad_input, ConvGradient<Scalar>& gradient) {
  p.transposed ? backward_transposed(p, begin, end, in, grad_input, gradient)
               : backward_convolved(p, begin, end, in, grad_input, gradient);
}

void ConvForwardF32(const ConvProblem<float>& p, std::int64_t begin, std::int64_t end, float* output, ConvSums& sums) {
  forward_rows(p, begin, end, output, sums);
}
void ConvForwardF64(const ConvProblem<double>& p, std::int64_t begin, std::int64_t end, double* output,
                    ConvSums& sums) {
  forward_rows(p, begin, end, output, sums);
}
void ConvBackwardF32(const ConvProblem<float>& p, std::int64_t begin, std::int64_t end,
                     const ConvGradientInput<float>& in, float* grad_input, ConvGradient<float>& gradient) {
  backward_rows(p, begin, end, in, grad_input, gradient);
}
void ConvBackwardF64(const ConvProblem<double>& p, std::int64_t begin, std::int64_t end,
                     const ConvGradientInput<double>& in, double* grad_input, ConvGradient<double>& gradient) {
  backward_rows(p, begin, end, in, grad_input, gradient);
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#endif
