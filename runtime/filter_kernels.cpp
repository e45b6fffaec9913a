#include "runtime/filter_kernels.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "runtime/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/filter_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;

/// One sample through kSections sections of the lanes of one vector, of which the first kGeneral weigh their input.
template <int kSections, int kGeneral, class D, class Stride, class V = hn::Vec<D>>
HWY_INLINE V filter_sample(D d, const float* coefficients, Stride lanes, V v, V* u, V* s) {
  for (int k = 0; k < kSections; ++k) {
    const float* c = coefficients + 5 * k * lanes;
    const V old = s[k];
    s[k] = hn::Add(old, u[k]);
    const V difference = hn::Sub(v, s[k]);
    if (k < kGeneral) v = hn::Mul(hn::LoadU(d, c + 2 * lanes), v);
    v = hn::MulAdd(hn::LoadU(d, c + 4 * lanes), old, hn::MulAdd(hn::LoadU(d, c + 3 * lanes), u[k], v));
    u[k] = hn::MulAdd(hn::LoadU(d, c), difference, hn::NegMulAdd(hn::LoadU(d, c + lanes), u[k], u[k]));
  }
  return v;
}

template <int kSections, class D, class Stride, class V = hn::Vec<D>>
HWY_INLINE void load_states(D d, const float* state, Stride lanes, V* u, V* s) {
  for (int k = 0; k < kSections; ++k) {
    u[k] = hn::LoadU(d, state + (2 * k) * lanes);
    s[k] = hn::LoadU(d, state + (2 * k + 1) * lanes);
  }
}
template <int kSections, class D, class Stride, class V = hn::Vec<D>>
HWY_INLINE void store_states(D d, const V* u, const V* s, float* state, Stride lanes) {
  for (int k = 0; k < kSections; ++k) {
    hn::StoreU(u[k], d, state + (2 * k) * lanes);
    hn::StoreU(s[k], d, state + (2 * k + 1) * lanes);
  }
}

/// Some frames through sections whose states stay in registers over the whole block; x has `stride` lanes.
template <int kSections, int kGeneral, class D, class Stride>
void filter_group(D d, const float* coefficients, float* state, Stride lanes, float* x, int frames, int stride) {
  hn::Vec<D> u[kSections], s[kSections];
  load_states<kSections>(d, state, lanes, u, s);
  for (int t = 0; t < frames; ++t) {
    float* at = x + static_cast<std::size_t>(t) * stride;
    hn::StoreU(filter_sample<kSections, kGeneral>(d, coefficients, lanes, hn::LoadU(d, at), u, s), d, at);
  }
  store_states<kSections>(d, u, s, state, lanes);
}

/// Sections of the lanes of one vector, and where it stands in x.
template <int kLanes>
struct Group {
  static constexpr std::integral_constant<int, kLanes>
      kStride{};  // known to the compiler: one pointer for all coefficients
  const float* coefficients;
  float* state;
  int sections;
  float* x;
  int lanes;  // of x

  HWY_INLINE Group after(int done) const {
    return {coefficients + 5 * done * kLanes, state + 2 * done * kLanes, sections - done, x, lanes};
  }
};

template <int kSections, int kGeneral, class D, int kLanes>
HWY_INLINE void filter_some(D d, const Group<kLanes>& g, int frames) {
  filter_group<kSections, kGeneral>(d, g.coefficients, g.state, g.kStride, g.x, frames, g.lanes);
}

/// Five sections at once, then the others; the first of them all weighs its input.
template <int kFirstGeneral, class D, int kLanes>
void filter_groups(D d, const Group<kLanes>& g, int frames) {
  switch (std::min(g.sections, 5)) {
    case 0:
      return;
    case 1:
      return filter_some<1, kFirstGeneral>(d, g, frames);
    case 2:
      return filter_some<2, kFirstGeneral>(d, g, frames);
    case 3:
      return filter_some<3, kFirstGeneral>(d, g, frames);
    case 4:
      return filter_some<4, kFirstGeneral>(d, g, frames);
    default:
      filter_some<5, kFirstGeneral>(d, g, frames);
      return filter_groups<0>(d, g.after(5), frames);
  }
}

/// All sections of one vector of lanes.
template <class D, int kLanes>
void filter_vector(D d, const Group<kLanes>& g, int general, int frames) {
  const int alone = std::max(0, general - 1);
  for (int k = 0; k < alone; ++k) filter_some<1, 1>(d, g.after(k), frames);
  filter_groups<1>(d, g.after(alone), frames);
}

constexpr int kTimes = 8;  // samples whose sums stay in registers

/// kTimes samples of a product from t on.
template <class D>
HWY_INLINE void sum_lanes(D d, const LaneMix& mix, int lanes, int lane, int t, hn::Vec<D>* sum) {
  for (int j = 0; j < kTimes; ++j) sum[j] = hn::Zero(d);
  for (int c = 0; c < mix.cols; ++c) {
    const auto gain = hn::LoadU(d, mix.gains + c * lanes + lane);
    const float* x = mix.in[c] + t;
    for (int j = 0; j < kTimes; ++j) sum[j] = hn::MulAdd(gain, hn::Set(d, x[j]), sum[j]);
  }
}
template <class D>
HWY_INLINE void mix_lanes(D d, const LaneMix& mix, int lanes, int lane, int t, float* to) {
  hn::Vec<D> sum[kTimes];
  sum_lanes(d, mix, lanes, lane, t, sum);
  for (int j = 0; j < kTimes; ++j) hn::StoreU(sum[j], d, to + j * lanes);
}

/// A product through kSections sections, kTimes samples at once: while few filters wait for one another, the product of the
/// next samples goes on.
template <int kSections, class D, int kLanes>
void mix_and_filter(D d, const LaneMix& mix, int lane, const Group<kLanes>& g, int frames) {
  hn::Vec<D> u[kSections], s[kSections], v[kTimes];
  load_states<kSections>(d, g.state, g.kStride, u, s);
  int t = 0;
  for (; t + kTimes <= frames; t += kTimes) {
    float* at = g.x + static_cast<std::size_t>(t * g.lanes);
    sum_lanes(d, mix, g.lanes, lane, t, v);
    for (int j = 0; j < kTimes; ++j)
      hn::StoreU(filter_sample<kSections, 1>(d, g.coefficients, g.kStride, v[j], u, s), d, at + j * g.lanes);
  }
  store_states<kSections>(d, u, s, g.state, g.kStride);
  if (t == frames) return;
  Group<kLanes> rest = g;
  rest.x += static_cast<std::size_t>(t * g.lanes);
  mix_lanes(d, mix, g.lanes, lane, t, rest.x);
  filter_some<kSections, 1>(d, rest, frames - t);
}

template <int kLanes>
void filter_all(const LaneMix* mix, const FilterBank& bank, float* x, int frames) {
  const hn::CappedTag<float, kLanes> d;
  for (int lane = 0; lane < bank.lanes; lane += static_cast<int>(hn::Lanes(d))) {
    const int first = lane / kLanes * kLanes;  // of the lanes that stand together
    const Group<kLanes> group{bank.coefficients + 5 * bank.sections * first + (lane - first),
                              bank.state + 2 * bank.sections * first + (lane - first), bank.sections, x + lane,
                              bank.lanes};
    if (mix && bank.sections <= 2 && bank.general <= 1) {
      if (bank.sections == 2) mix_and_filter<2>(d, *mix, lane, group, frames);
      if (bank.sections == 1) mix_and_filter<1>(d, *mix, lane, group, frames);
      if (bank.sections > 0) continue;
    }
    for (int t = 0; mix && t < frames; t += kTimes)
      mix_lanes(d, *mix, bank.lanes, lane, t, x + static_cast<std::size_t>(t * bank.lanes + lane));
    filter_vector(d, group, bank.general, frames);
  }
}

void filter_any(const LaneMix* mix, const FilterBank& bank, float* x, int frames) {
  if (bank.lanes == 4) return filter_all<4>(mix, bank, x, frames);
  if (bank.lanes == 8) return filter_all<8>(mix, bank, x, frames);
  filter_all<16>(mix, bank, x, frames);
}
void FilterLanes(const FilterBank& bank, float* x, int frames) { filter_any(nullptr, bank, x, frames); }
void MixAndFilterLanes(const LaneMix& mix, const FilterBank& bank, float* x, int frames) {
  filter_any(&mix, bank, x, frames);
}

#if HWY_TARGET != HWY_SCALAR
/// A 4 x 4 block of floats: rows become columns.
HWY_INLINE void transpose4(const float* const* in, float* const* out) {
  const hn::Full128<float> d;
  const hn::Repartition<double, decltype(d)> dd;
  const auto a = hn::LoadU(d, in[0]), b = hn::LoadU(d, in[1]), c = hn::LoadU(d, in[2]), e = hn::LoadU(d, in[3]);
  const auto ab_low = hn::InterleaveLower(d, a, b), ab_high = hn::InterleaveUpper(d, a, b);
  const auto ce_low = hn::InterleaveLower(d, c, e), ce_high = hn::InterleaveUpper(d, c, e);
  const auto pair_lower = [&](auto p, auto q) {
    return hn::BitCast(d, hn::InterleaveLower(dd, hn::BitCast(dd, p), hn::BitCast(dd, q)));
  };
  const auto pair_upper = [&](auto p, auto q) {
    return hn::BitCast(d, hn::InterleaveUpper(dd, hn::BitCast(dd, p), hn::BitCast(dd, q)));
  };
  hn::StoreU(pair_lower(ab_low, ce_low), d, out[0]);
  hn::StoreU(pair_upper(ab_low, ce_low), d, out[1]);
  hn::StoreU(pair_lower(ab_high, ce_high), d, out[2]);
  hn::StoreU(pair_upper(ab_high, ce_high), d, out[3]);
}
#else
HWY_INLINE void transpose4(const float* const* in, float* const* out) {
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < 4; ++c) out[c][r] = in[r][c];
  }
}
#endif

void Interleave(const float* const* in, int count, int lanes, float* out, int frames) {
  for (int r = 0; r < count; r += 4) {
    for (int t = 0; t < frames; t += 4) {
      const float* from[4] = {in[r] + t, in[r + 1] + t, in[r + 2] + t, in[r + 3] + t};
      float* at = out + static_cast<std::size_t>(t * lanes + r);
      float* to[4] = {at, at + lanes, at + 2 * lanes, at + 3 * lanes};
      transpose4(from, to);
    }
  }
}

#if HWY_TARGET != HWY_SCALAR && HWY_MAX_BYTES >= 64
/// A 16 x 16 block by vectors of 16: fours within blocks of 128 bits, then the blocks.
HWY_INLINE void transpose16(const float* in, int lanes, float* const* out, int t) {
  const hn::CappedTag<float, 16> d;
  const hn::Repartition<double, decltype(d)> dd;
  using V = hn::Vec<decltype(d)>;
  V quarter[4][4];  // [samples 4 q on, lane i of each block]
  const auto lower = [&](V a, V b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveLower(dd, hn::BitCast(dd, a), hn::BitCast(dd, b)));
  };
  const auto upper = [&](V a, V b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveUpper(dd, hn::BitCast(dd, a), hn::BitCast(dd, b)));
  };
  for (int q = 0; q < 4; ++q) {
    const float* at = in + 4 * q * lanes;
    const V v0 = hn::LoadU(d, at), v1 = hn::LoadU(d, at + lanes), v2 = hn::LoadU(d, at + 2 * lanes),
            v3 = hn::LoadU(d, at + 3 * lanes);
    const V low01 = hn::InterleaveLower(d, v0, v1), low23 = hn::InterleaveLower(d, v2, v3);
    const V high01 = hn::InterleaveUpper(d, v0, v1), high23 = hn::InterleaveUpper(d, v2, v3);
    quarter[q][0] = lower(low01, low23), quarter[q][1] = upper(low01, low23);
    quarter[q][2] = lower(high01, high23), quarter[q][3] = upper(high01, high23);
  }
  for (int i = 0; i < 4; ++i) {
    const V a = quarter[0][i], b = quarter[1][i], c = quarter[2][i], e = quarter[3][i];
    const V p = hn::ConcatLowerLower(d, c, a), q = hn::ConcatLowerLower(d, e, b);
    const V r = hn::ConcatUpperUpper(d, c, a), s = hn::ConcatUpperUpper(d, e, b);
    hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(q), p), d, out[i] + t);
    hn::StoreU(hn::OddEvenBlocks(q, hn::SwapAdjacentBlocks(p)), d, out[4 + i] + t);
    hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(s), r), d, out[8 + i] + t);
    hn::StoreU(hn::OddEvenBlocks(s, hn::SwapAdjacentBlocks(r)), d, out[12 + i] + t);
  }
}
#endif

void Deinterleave(const float* in, int count, int lanes, float* const* out, int frames) {
  int r = 0;
#if HWY_TARGET != HWY_SCALAR && HWY_MAX_BYTES >= 64
  for (; hn::Lanes(Wide()) == 16 && r + 12 < count; r += 16) {
    for (int t = 0; t < frames; t += 16) transpose16(in + static_cast<std::size_t>(t * lanes + r), lanes, out + r, t);
  }
#endif
  for (; r < count; r += 4) {
    for (int t = 0; t < frames; t += 4) {
      const float* at = in + static_cast<std::size_t>(t * lanes + r);
      const float* from[4] = {at, at + lanes, at + 2 * lanes, at + 3 * lanes};
      float* to[4] = {out[r] + t, out[r + 1] + t, out[r + 2] + t, out[r + 3] + t};
      transpose4(from, to);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(FilterLanes);
HWY_EXPORT(MixAndFilterLanes);
HWY_EXPORT(Interleave);
HWY_EXPORT(Deinterleave);

void filter_lanes(const FilterBank& bank, float* x, int frames) { HWY_DYNAMIC_DISPATCH(FilterLanes)(bank, x, frames); }
void mix_and_filter_lanes(const LaneMix& mix, const FilterBank& bank, float* x, int frames) {
  HWY_DYNAMIC_DISPATCH(MixAndFilterLanes)(mix, bank, x, frames);
}
void interleave(const float* const* in, int count, int lanes, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(Interleave)(in, count, lanes, out, frames);
}
void deinterleave(const float* in, int count, int lanes, float* const* out, int frames) {
  HWY_DYNAMIC_DISPATCH(Deinterleave)(in, count, lanes, out, frames);
}

}  // namespace diffverb::runtime
#endif
