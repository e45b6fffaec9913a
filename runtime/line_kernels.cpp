#include "runtime/line_kernels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/line_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

int Lanes() { return static_cast<int>(hn::Lanes(Tag())); }

void MixRows(const float* m, int rows, int columns, const float* const* x, float* const* out, int length, bool add) {
  const Tag tag;
  const int lanes = Lanes();
  int t = 0;
  for (; t + lanes <= length; t += lanes) {
    int r = 0;
    for (; r + 4 <= rows; r += 4) {
      Vec s0 = hn::Zero(tag), s1 = s0, s2 = s0, s3 = s0;
      const float *w0 = m + r * columns, *w1 = w0 + columns, *w2 = w1 + columns, *w3 = w2 + columns;
      for (int c = 0; c < columns; ++c) {
        const auto v = hn::LoadU(tag, x[c] + t);
        s0 = hn::MulAdd(hn::Set(tag, w0[c]), v, s0);
        s1 = hn::MulAdd(hn::Set(tag, w1[c]), v, s1);
        s2 = hn::MulAdd(hn::Set(tag, w2[c]), v, s2);
        s3 = hn::MulAdd(hn::Set(tag, w3[c]), v, s3);
      }
      const Vec sums[4] = {s0, s1, s2, s3};
      for (int i = 0; i < 4; ++i) {
        hn::StoreU(add ? hn::Add(hn::LoadU(tag, out[r + i] + t), sums[i]) : sums[i], tag, out[r + i] + t);
      }
    }
    for (; r < rows; ++r) {
      Vec s = hn::Zero(tag);
      for (int c = 0; c < columns; ++c) s = hn::MulAdd(hn::Set(tag, m[r * columns + c]), hn::LoadU(tag, x[c] + t), s);
      hn::StoreU(add ? hn::Add(hn::LoadU(tag, out[r] + t), s) : s, tag, out[r] + t);
    }
  }
  for (; t < length; ++t) {
    for (int r = 0; r < rows; ++r) {
      float s = 0;
      for (int c = 0; c < columns; ++c) s += m[r * columns + c] * x[c][t];
      out[r][t] = add ? out[r][t] + s : s;
    }
  }
}

void FilterColumns(const float* coefficients, int sections, int padded, float* states, float* rows, int length) {
  const Tag tag;
  const int lanes = Lanes();
  const auto two = hn::Set(tag, 2.0f);
  for (int lane = 0; lane < padded; lane += lanes) {
    for (int s = 0; s < sections; ++s) {
      const float* k = coefficients + s * 6 * padded + lane;
      const auto a1 = hn::LoadU(tag, k), a2 = hn::LoadU(tag, k + padded), a3 = hn::LoadU(tag, k + 2 * padded);
      const auto m0 = hn::LoadU(tag, k + 3 * padded), m1 = hn::LoadU(tag, k + 4 * padded), m2 = hn::LoadU(tag, k + 5 * padded);
      float* state = states + s * 2 * padded + lane;
      auto z1 = hn::LoadU(tag, state), z2 = hn::LoadU(tag, state + padded);
      for (int t = 0; t < length; ++t) {
        float* row = rows + t * padded + lane;
        const auto x = hn::LoadU(tag, row);
        const auto v3 = hn::Sub(x, z2);
        const auto v1 = hn::MulAdd(a2, v3, hn::Mul(a1, z1));
        const auto v2 = hn::MulAdd(a3, v3, hn::MulAdd(a2, z1, z2));
        z1 = hn::MulSub(two, v1, z1);
        z2 = hn::MulSub(two, v2, z2);
        hn::StoreU(hn::MulAdd(m2, v2, hn::MulAdd(m1, v1, hn::Mul(m0, x))), tag, row);
      }
      hn::StoreU(z1, tag, state);
      hn::StoreU(z2, tag, state + padded);
    }
  }
}

/// One group of sections over the signal. At step n lane k works on sample n - k; lanes that have nothing yet, or nothing left,
/// keep their state.
void FilterGroup(const float* k, float* states, float* signal, int length) {
  const Tag tag;
  const hn::RebindToSigned<Tag> int_tag;
  const int lanes = Lanes();
  const auto a1 = hn::LoadU(tag, k), a2 = hn::LoadU(tag, k + lanes), a3 = hn::LoadU(tag, k + 2 * lanes);
  const auto m0 = hn::LoadU(tag, k + 3 * lanes), m1 = hn::LoadU(tag, k + 4 * lanes), m2 = hn::LoadU(tag, k + 5 * lanes);
  const auto two = hn::Set(tag, 2.0f);
  const auto index = hn::Iota(int_tag, 0);
  const auto shift = hn::IndicesFromVec(tag, hn::Max(hn::Sub(index, hn::Set(int_tag, 1)), hn::Zero(int_tag)));
  const auto first = hn::RebindMask(tag, hn::Eq(index, hn::Zero(int_tag)));
  auto z1 = hn::LoadU(tag, states), z2 = hn::LoadU(tag, states + lanes), y = hn::Zero(tag);
  const int last = lanes - 1;
  alignas(64) float lane_values[HWY_MAX_BYTES / sizeof(float)];
  const auto step = [&](float input, bool ramp, int n) {
    const auto x = hn::IfThenElse(first, hn::Set(tag, input), hn::TableLookupLanes(y, shift));
    const auto v3 = hn::Sub(x, z2);
    const auto v1 = hn::MulAdd(a2, v3, hn::Mul(a1, z1));
    const auto v2 = hn::MulAdd(a3, v3, hn::MulAdd(a2, z1, z2));
    const auto n1 = hn::MulSub(two, v1, z1), n2 = hn::MulSub(two, v2, z2);
    y = hn::MulAdd(m2, v2, hn::MulAdd(m1, v1, hn::Mul(m0, x)));
    if (ramp) {
      const auto active = hn::RebindMask(tag, hn::And(hn::Gt(hn::Set(int_tag, n + 1), index), hn::Gt(index, hn::Set(int_tag, n - length))));
      z1 = hn::IfThenElse(active, n1, z1);
      z2 = hn::IfThenElse(active, n2, z2);
    } else {
      z1 = n1;
      z2 = n2;
    }
  };
  for (int n = 0; n < length + last; ++n) {
    const bool ramp = n < last || n >= length;
    step(n < length ? signal[n] : 0.0f, ramp, n);
    if (n >= last) {
      hn::Store(y, tag, lane_values);
      signal[n - last] = lane_values[last];
    }
  }
  hn::StoreU(z1, tag, states);
  hn::StoreU(z2, tag, states + lanes);
}

void FilterWavefront(const float* coefficients, int groups, float* states, float* signal, int length) {
  const int lanes = Lanes();
  for (int g = 0; g < groups; ++g) FilterGroup(coefficients + g * 6 * lanes, states + g * 2 * lanes, signal, length);
}

void AddSpectra(const float* a_re, const float* a_im, const float* b_re, const float* b_im, float* re, float* im, int bins) {
  const Tag tag;
  const int lanes = Lanes();
  int k = 0;
  for (; k + lanes <= bins; k += lanes) {
    const auto ar = hn::LoadU(tag, a_re + k), ai = hn::LoadU(tag, a_im + k), br = hn::LoadU(tag, b_re + k), bi = hn::LoadU(tag, b_im + k);
    hn::StoreU(hn::NegMulAdd(ai, bi, hn::MulAdd(ar, br, hn::LoadU(tag, re + k))), tag, re + k);
    hn::StoreU(hn::MulAdd(ai, br, hn::MulAdd(ar, bi, hn::LoadU(tag, im + k))), tag, im + k);
  }
  for (; k < bins; ++k) {
    re[k] += a_re[k] * b_re[k] - a_im[k] * b_im[k];
    im[k] += a_re[k] * b_im[k] + a_im[k] * b_re[k];
  }
}

void AddFir(const float* taps, int count, const float* x, float* out, int length) {
  const Tag tag;
  const int lanes = Lanes();
  int n = 0;
  for (; n + lanes <= length; n += lanes) {
    auto sum = hn::LoadU(tag, out + n);
    for (int k = 0; k < count; ++k) sum = hn::MulAdd(hn::Set(tag, taps[k]), hn::LoadU(tag, x + n - k), sum);
    hn::StoreU(sum, tag, out + n);
  }
  for (; n < length; ++n) {
    float sum = out[n];
    for (int k = 0; k < count; ++k) sum += taps[k] * x[n - k];
    out[n] = sum;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(Lanes);
HWY_EXPORT(MixRows);
HWY_EXPORT(FilterColumns);
HWY_EXPORT(FilterWavefront);
HWY_EXPORT(AddSpectra);
HWY_EXPORT(AddFir);

int kernel_lanes() noexcept { return HWY_DYNAMIC_DISPATCH(Lanes)(); }
void mix_rows(const float* m, int rows, int columns, const float* const* x, float* const* out, int length, bool add) noexcept {
  HWY_DYNAMIC_DISPATCH(MixRows)(m, rows, columns, x, out, length, add);
}
void filter_columns(const float* coefficients, int sections, int padded, float* states, float* rows, int length) noexcept {
  HWY_DYNAMIC_DISPATCH(FilterColumns)(coefficients, sections, padded, states, rows, length);
}
void filter_wavefront(const float* coefficients, int groups, float* states, float* signal, int length) noexcept {
  HWY_DYNAMIC_DISPATCH(FilterWavefront)(coefficients, groups, states, signal, length);
}
void add_spectra(const float* a_re, const float* a_im, const float* b_re, const float* b_im, float* re, float* im, int bins) noexcept {
  HWY_DYNAMIC_DISPATCH(AddSpectra)(a_re, a_im, b_re, b_im, re, im, bins);
}
void add_fir(const float* taps, int count, const float* x, float* out, int length) noexcept {
  HWY_DYNAMIC_DISPATCH(AddFir)(taps, count, x, out, length);
}

}  // namespace diffverb::runtime
#endif
