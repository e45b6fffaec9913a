#pragma once

#include <cstddef>

namespace diffverb::runtime {

/// Spectra come in groups of this many bins: their real parts, then their imaginary parts.
inline constexpr int kGroup = 64;

/// Floats between the rows of tables and work arrays beyond their length: rows a power of two apart would share a few
/// sets of the cache.
inline constexpr int kSkew = 32;

/// The passes of Stockham's radix-4 transform of `size` = 2^m >= 64 complex numbers, and what stands around it to make
/// it a convolution (convolution_transform.h). Real and imaginary parts are two rows of size + kSkew floats. A pass of
/// stride s = 1, 4, 16, ... reads size / 4 fours and writes them turned by exp(-2 pi i k p / n), k = 0 .. 3, n = size / s,
/// p = 0 .. n / 4. Each call is for the fours [begin, end), multiples of 16.
struct Fours {
  int size, begin, end;
};
/// What they are turned by: rows [6, size / 4 + kSkew] for the strides 1 and 4 (p = i / s at i), else [p, 6].

/// The first pass of two blocks of samples, turned by two rows of `twist`: (before - i now) (twist_0 - i twist_1).
void begin_forward(Fours fours, const float* before, const float* now, const float* twist, const float* turns,
                   float* to);
/// The first pass of a spectrum in groups that follow each other; real and imaginary parts are exchanged.
void begin_inverse(Fours fours, const float* spectrum, const float* turns, float* to);
/// A pass between the first and the last, of stride 4^pass.
void go_on(Fours fours, const float* from, const float* turns, float* to, int pass);
/// The last pass, radix 2 where m is odd; into groups that lie `group_stride` floats apart.
void end_forward(Fours fours, const float* from, float* spectrum, std::size_t group_stride);
/// The last pass, of which a turned part is wanted: to[n] = untwist_0[n] re[n] + untwist_1[n] im[n].
void end_inverse(Fours fours, const float* from, const float* untwist, float* to);

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

/// Taps as rows for vectors of up to kHeadLanes samples: row r holds h[r + l - kHeadLanes + 1] in lane l, 0 where there is none;
/// there are taps + kHeadLanes - 1 rows. A sample then meets whole rows, which no vector load straddles.
inline constexpr int kHeadLanes = 16;

/// y[t] += tail[t] + sum_k h[k] x[t - k], k < taps; x has taps - 1 samples of history before it. x and tail, which may be
/// null, are read up to kHeadLanes samples beyond `frames`; y is as long as `frames`. Even and odd taps are summed
/// apart, whatever `frames` is.
void add_head(const float* rows, int taps, const float* x, const float* tail, float* y, int frames);

}  // namespace diffverb::runtime
