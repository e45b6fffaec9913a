#include "runtime/kernels.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;

template <int kRows>
void mix_rows(const float* m, int cols, Rows in, Rows add, float* out, std::size_t out_stride, int frames) {
  const Wide d;
  for (int t = 0; t < frames; t += static_cast<int>(hn::Lanes(d))) {
    hn::Vec<Wide> sum[kRows];
    for (int r = 0; r < kRows; ++r) sum[r] = add.at ? hn::LoadU(d, add.at + r * add.stride + t) : hn::Zero(d);
    for (int c = 0; c < cols; ++c) {
      const auto x = hn::LoadU(d, in.at + c * in.stride + t);
      for (int r = 0; r < kRows; ++r) sum[r] = hn::MulAdd(hn::Set(d, m[r * cols + c]), x, sum[r]);
    }
    for (int r = 0; r < kRows; ++r) hn::StoreU(sum[r], d, out + r * out_stride + t);
  }
}

void Mix(const float* m, int rows, int cols, Rows in, Rows add, float* out, std::size_t out_stride, int frames) {
  const auto add_from = [&](int r) { return Rows{add.at ? add.at + r * add.stride : nullptr, add.stride}; };
  int r = 0;
  for (; r + 8 <= rows; r += 8)
    mix_rows<8>(m + r * cols, cols, in, add_from(r), out + r * out_stride, out_stride, frames);
  for (; r + 2 <= rows; r += 2)
    mix_rows<2>(m + r * cols, cols, in, add_from(r), out + r * out_stride, out_stride, frames);
  if (r < rows) mix_rows<1>(m + r * cols, cols, in, add_from(r), out + r * out_stride, out_stride, frames);
}

/// kVectors vectors of time stay in registers over all gains.
template <int kVectors>
void mix_row_at(const float* gains, const int* columns, int count, Rows in, const float* add, float* out, int t) {
  const Wide d;
  const std::size_t width = hn::Lanes(d);
  hn::Vec<Wide> sum[kVectors];
  for (int j = 0; j < kVectors; ++j) sum[j] = add ? hn::LoadU(d, add + t + j * width) : hn::Zero(d);
  for (int i = 0; i < count; ++i) {
    const auto gain = hn::Set(d, gains[i]);
    const float* x = in.at + columns[i] * in.stride + t;
    for (int j = 0; j < kVectors; ++j) sum[j] = hn::MulAdd(gain, hn::LoadU(d, x + j * width), sum[j]);
  }
  for (int j = 0; j < kVectors; ++j) hn::StoreU(sum[j], d, out + t + j * width);
}

void MixRow(const float* gains, const int* columns, int count, Rows in, const float* add, float* out, int frames) {
  const int width = static_cast<int>(hn::Lanes(Wide()));
  int t = 0;
  for (; t + 4 * width <= frames; t += 4 * width) mix_row_at<4>(gains, columns, count, in, add, out, t);
  for (; t < frames; t += width) mix_row_at<1>(gains, columns, count, in, add, out, t);
}

/// kSections sections of the lanes of one vector, states in registers over the whole block.
template <int kSections, class D>
void filter_group(D d, const float* coefficients, float* state, int lanes, float* x, int frames, int x_stride) {
  using V = hn::Vec<D>;
  V s1[kSections], s2[kSections];
  for (int k = 0; k < kSections; ++k) {
    s1[k] = hn::LoadU(d, state + (2 * k) * lanes);
    s2[k] = hn::LoadU(d, state + (2 * k + 1) * lanes);
  }
  for (int t = 0; t < frames; ++t) {
    V v = hn::LoadU(d, x + static_cast<std::size_t>(t) * x_stride);
    for (int k = 0; k < kSections; ++k) {
      const float* c = coefficients + 6 * k * lanes;
      const V q = hn::LoadU(d, c), p = hn::LoadU(d, c + lanes), r = hn::LoadU(d, c + 2 * lanes);
      const V difference = hn::Sub(v, s2[k]);
      v = hn::MulAdd(hn::LoadU(d, c + 3 * lanes), v,
                     hn::MulAdd(hn::LoadU(d, c + 4 * lanes), s1[k], hn::Mul(hn::LoadU(d, c + 5 * lanes), s2[k])));
      const V old = s1[k];
      s1[k] = hn::MulAdd(q, difference, hn::NegMulAdd(p, old, old));
      s2[k] = hn::MulAdd(r, difference, hn::MulAdd(q, old, s2[k]));
    }
    hn::StoreU(v, d, x + static_cast<std::size_t>(t) * x_stride);
  }
  for (int k = 0; k < kSections; ++k) {
    hn::StoreU(s1[k], d, state + (2 * k) * lanes);
    hn::StoreU(s2[k], d, state + (2 * k + 1) * lanes);
  }
}

template <class D>
void filter_all(D d, const FilterBank& bank, float* x, int frames) {
  for (int lane = 0; lane < bank.lanes; lane += static_cast<int>(hn::Lanes(d))) {
    const float* c = bank.coefficients + lane;
    float* s = bank.state + lane;
    int k = 0;
    for (; k + 4 <= bank.sections; k += 4) {
      filter_group<4>(d, c + 6 * k * bank.lanes, s + 2 * k * bank.lanes, bank.lanes, x + lane, frames, bank.lanes);
    }
    for (; k + 2 <= bank.sections; k += 2) {
      filter_group<2>(d, c + 6 * k * bank.lanes, s + 2 * k * bank.lanes, bank.lanes, x + lane, frames, bank.lanes);
    }
    if (k < bank.sections) {
      filter_group<1>(d, c + 6 * k * bank.lanes, s + 2 * k * bank.lanes, bank.lanes, x + lane, frames, bank.lanes);
    }
  }
}

void FilterLanes(const FilterBank& bank, float* x, int frames) {
  if (bank.lanes == 4) return filter_all(hn::CappedTag<float, 4>(), bank, x, frames);
  if (bank.lanes == 8) return filter_all(hn::CappedTag<float, 8>(), bank, x, frames);
  filter_all(Wide(), bank, x, frames);
}

#if HWY_TARGET != HWY_SCALAR
/// kCount channels, each kVectors vectors of sections. At tick t section l takes sample t - l.
template <int kCount, int kVectors, class D>
void cascade(D d, const Cascade* cascades, float* const* channels, int frames) {
  using V = hn::Vec<D>;
  constexpr int kAll = kCount * kVectors;
  const int width = static_cast<int>(hn::Lanes(d));
  const int lanes = cascades[0].lanes, sections = cascades[0].sections;
  const hn::RebindToSigned<D> di;
  HWY_ALIGN int rotation[16];
  for (int l = 0; l < width; ++l) rotation[l] = (l + width - 1) % width;
  const auto rotate = hn::SetTableIndices(d, rotation);
  const auto lane = hn::Iota(di, 0);
  const auto first = hn::RebindMask(d, hn::Eq(lane, hn::Zero(di)));
  V s1[kAll], s2[kAll], y[kAll];
  for (int i = 0; i < kAll; ++i) {
    s1[i] = hn::LoadU(d, cascades[i / kVectors].state + (i % kVectors) * width);
    s2[i] = hn::LoadU(d, cascades[i / kVectors].state + lanes + (i % kVectors) * width);
    y[i] = hn::Zero(d);
  }
  const int last_vector = (sections - 1) / width, last_lane = (sections - 1) % width;
  HWY_ALIGN float tail[16];
  for (int t = 0; t < frames + sections - 1; ++t) {
    const bool partial = t < lanes - 1 || t >= frames;
    for (int channel = 0; channel < kCount; ++channel) {
      V carry = hn::Set(d, t < frames ? channels[channel][t] : 0.0f);
      for (int j = 0; j < kVectors; ++j) {
        const int i = channel * kVectors + j;
        const V turned = hn::TableLookupLanes(y[i], rotate);
        const V x = hn::IfThenElse(first, carry, turned);
        carry = turned;
        const float* c = cascades[channel].coefficients + j * width;
        const V q = hn::LoadU(d, c), p = hn::LoadU(d, c + lanes), r = hn::LoadU(d, c + 2 * lanes);
        const V difference = hn::Sub(x, s2[i]);
        y[i] = hn::MulAdd(hn::LoadU(d, c + 3 * lanes), x,
                          hn::MulAdd(hn::LoadU(d, c + 4 * lanes), s1[i], hn::Mul(hn::LoadU(d, c + 5 * lanes), s2[i])));
        const V old = s1[i];
        V next1 = hn::MulAdd(q, difference, hn::NegMulAdd(p, old, old));
        V next2 = hn::MulAdd(r, difference, hn::MulAdd(q, old, s2[i]));
        if (partial) {
          // 0 <= t - l < frames, with l counted over the vectors.
          const auto position = hn::Sub(hn::Set(di, t - j * width), lane);
          const auto active =
              hn::RebindMask(d, hn::And(hn::Gt(position, hn::Set(di, -1)), hn::Lt(position, hn::Set(di, frames))));
          next1 = hn::IfThenElse(active, next1, old);
          next2 = hn::IfThenElse(active, next2, s2[i]);
        }
        s1[i] = next1;
        s2[i] = next2;
      }
      if (t >= sections - 1) {
        V last = y[channel * kVectors];
        for (int j = 1; j < kVectors; ++j) {
          if (j == last_vector) last = y[channel * kVectors + j];
        }
        hn::StoreU(last, d, tail);
        channels[channel][t - sections + 1] = tail[last_lane];
      }
    }
  }
  for (int i = 0; i < kAll; ++i) {
    hn::StoreU(s1[i], d, cascades[i / kVectors].state + (i % kVectors) * width);
    hn::StoreU(s2[i], d, cascades[i / kVectors].state + lanes + (i % kVectors) * width);
  }
}

template <int kCount, class D>
void cascade_of(D d, const Cascade* cascades, float* const* channels, int frames) {
  switch (cascades[0].lanes / static_cast<int>(hn::Lanes(d))) {
    case 1:
      return cascade<kCount, 1>(d, cascades, channels, frames);
    case 2:
      return cascade<kCount, 2>(d, cascades, channels, frames);
    case 4:
      return cascade<kCount, 4>(d, cascades, channels, frames);
    default:
      return cascade<kCount, 8>(d, cascades, channels, frames);
  }
}

template <int kCount>
void cascade_any(const Cascade* cascades, float* const* channels, int frames) {
  if (cascades[0].lanes == 4) return cascade_of<kCount>(hn::CappedTag<float, 4>(), cascades, channels, frames);
  if (cascades[0].lanes == 8) return cascade_of<kCount>(hn::CappedTag<float, 8>(), cascades, channels, frames);
  cascade_of<kCount>(Wide(), cascades, channels, frames);
}

#endif

void RunCascades(const Cascade* cascades, float* const* channels, int count, int frames) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < count; ++i) {  // a vector of one lane: one section after the other
    for (int k = 0; k < cascades[i].sections; ++k) {
      const hn::CappedTag<float, 1> d;
      filter_group<1>(d, cascades[i].coefficients + k, cascades[i].state + k, cascades[i].lanes, channels[i], frames,
                      1);
    }
  }
#else
  if (count == 2) return cascade_any<2>(cascades, channels, frames);
  cascade_any<1>(cascades, channels, frames);
#endif
}

const char* Target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(Mix);
HWY_EXPORT(MixRow);
HWY_EXPORT(FilterLanes);
HWY_EXPORT(RunCascades);
HWY_EXPORT(Target);

int padded_lanes(int count) { return count <= 4 ? 4 : count <= 8 ? 8 : (count + 15) / 16 * 16; }

void mix(const float* m, int rows, int cols, Rows in, Rows add, float* out, std::size_t out_stride, int frames) {
  HWY_DYNAMIC_DISPATCH(Mix)(m, rows, cols, in, add, out, out_stride, frames);
}
void mix_row(const float* gains, const int* columns, int count, Rows in, const float* add, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(MixRow)(gains, columns, count, in, add, out, frames);
}
void filter_lanes(const FilterBank& bank, float* x, int frames) { HWY_DYNAMIC_DISPATCH(FilterLanes)(bank, x, frames); }
void run_cascades(const Cascade* cascades, float* const* channels, int count, int frames) {
  HWY_DYNAMIC_DISPATCH(RunCascades)(cascades, channels, count, frames);
}
const char* kernel_target() { return HWY_DYNAMIC_DISPATCH(Target)(); }

}  // namespace diffverb::runtime
#endif
