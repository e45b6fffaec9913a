#pragma once

namespace diffverb::runtime {

/// out[r][t] (+)= sum_c m[r * columns + c] x[c][t]
void mix_rows(const float* m, int rows, int columns, const float* const* x, float* const* out, int length, bool add) noexcept;

/// Cascades of state-variable filters, one a column, over rows [length, padded] in place.
/// coefficients [sections, 6, padded] (a1 a2 a3 m0 m1 m2), states [sections, 2, padded]; padded is a multiple of kernel_lanes().
void filter_columns(const float* coefficients, int sections, int padded, float* states, float* rows, int length) noexcept;

/// One cascade over a signal in place: section k works on sample n - k while section k + 1 works on the one before, so that the
/// sections of a group fill a register. coefficients [groups, 6, lanes], states [groups, 2, lanes].
void filter_wavefront(const float* coefficients, int groups, float* states, float* signal, int length) noexcept;

/// re, im += (a.re + j a.im) (b.re + j b.im) over `bins`.
void add_spectra(const float* a_re, const float* a_im, const float* b_re, const float* b_im, float* re, float* im, int bins) noexcept;

/// out[n] += sum_k taps[k] x[n - k]; x has taps - 1 earlier samples before it.
void add_fir(const float* taps, int count, const float* x, float* out, int length) noexcept;

int kernel_lanes() noexcept;

}  // namespace diffverb::runtime
