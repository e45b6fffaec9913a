#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// Spectra come in groups of this many bins: their real parts, then their imaginary parts.
inline constexpr int kGroup = 64;

/// The passes of Stockham's radix-4 transform of `size` = 2^m >= 64 complex numbers, and what stands around it to make
/// it a convolution (convolution_transform.h). A work array is [2, size], real parts first. A pass of stride s = 1, 4,
/// 16, ... reads size / 4 fours and writes them turned by exp(-2 pi i k p / n), k = 0 .. 3, n = size / s, p = 0 .. n / 4;
/// `turns` holds them as [6, size / 4] for the strides 1 and 4 (p = i / s at i), else as [p, 6].

/// The first pass of two blocks of samples, turned by twist [2, size]: (before - i now) (twist_0 - i twist_1).
void begin_forward(const float* before, const float* now, const float* twist, const float* turns, float* to, int size);
/// The first pass of a spectrum in groups that follow each other; real and imaginary parts are exchanged.
void begin_inverse(const float* spectrum, const float* turns, float* to, int size);
/// A pass between the first and the last; stride >= 4.
void go_on(const float* from, const float* turns, float* to, int size, int stride);
/// The last pass, radix 2 where m is odd; into groups that lie `group_stride` floats apart.
void end_forward(const float* from, float* spectrum, std::size_t group_stride, int size);
/// The last pass, of which a turned part is wanted: to[n] = untwist_0[n] re[n] + untwist_1[n] im[n].
void end_inverse(const float* from, const float* untwist, float* to, int size);

/// Products of spectra, summed over factors. Filters are [groups, stride], inputs likewise; within a group the factors
/// of `filters` follow each other, and meet `first` factors from inputs[first_at] on, then `second` ones from
/// inputs[0] on.
struct SpectrumProducts {
  const float* filters = nullptr;
  std::size_t filters_stride = 0;
  const float* inputs = nullptr;
  std::size_t inputs_stride = 0;
  int first_at = 0, first = 0, second = 0;
};
/// sum [groups, 2 kGroup]; added in the order of the factors.
void multiply_spectra(const SpectrumProducts& products, int groups, float* sum);

/// y[t] += sum_k h[k] x[t - k], k < taps; x has taps - 1 samples of history before it. Even and odd taps are summed
/// apart, whatever `frames` is.
void add_head(const float* h, int taps, const float* x, float* y, int frames);

}  // namespace diffverb::runtime
