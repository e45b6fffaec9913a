#include "runtime/cascade_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/cascade_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kLanes = Cascade::kLanes;

#if HWY_TARGET == HWY_SCALAR
/// A vector of one lane: one section after the other.
void RunCascades(const Cascade* cascades, float* const* channels, int count, int frames) {
  for (int channel = 0; channel < count; ++channel) {
    const Cascade& cascade = cascades[channel];
    for (int t = 0; t < frames; ++t) {
      float x = channels[channel][t] * cascade.gain;
      for (int l = kLanes - cascade.sections; l < kLanes; ++l) {
        const float* c = cascade.coefficients + l;
        float &u = cascade.state[l], &s = cascade.state[kLanes + l];
        const float y = x + (c[2 * kLanes] * u + c[3 * kLanes] * s);
        s += u;
        u += c[0] * (x - s) - c[kLanes] * u;
        x = y;
      }
      channels[channel][t] = x;
    }
  }
}
#else
using Wide = hn::CappedTag<float, 16>;
using V = hn::Vec<Wide>;

/// kVectors vectors of sections of a channel, all in registers.
template <int kVectors>
struct Pipeline {
  HWY_INLINE Pipeline() {
  }  // an implied one lacks the attributes of the instruction set, and g++ for ARM does not inline it
  HWY_INLINE void load(const Cascade& cascade) {
    const Wide d;
    for (int j = 0; j < kVectors; ++j) {
      const float *c = cascade.coefficients + place(j), *state = cascade.state + place(j);
      g[j] = hn::LoadU(d, c), p[j] = hn::LoadU(d, c + kLanes);
      y1[j] = hn::LoadU(d, c + 2 * kLanes), y2[j] = hn::LoadU(d, c + 3 * kLanes);
      u[j] = hn::LoadU(d, state), s[j] = hn::LoadU(d, state + kLanes), behind[j] = hn::LoadU(d, state + 2 * kLanes);
    }
  }
  HWY_INLINE void store(const Cascade& cascade) const {
    const Wide d;
    for (int j = 0; j < kVectors; ++j) {
      float* state = cascade.state + place(j);
      hn::StoreU(u[j], d, state), hn::StoreU(s[j], d, state + kLanes), hn::StoreU(behind[j], d, state + 2 * kLanes);
    }
  }
  static HWY_INLINE int place(int j) { return kLanes - (kVectors - j) * static_cast<int>(hn::Lanes(Wide())); }

  V g[kVectors], p[kVectors], y1[kVectors], y2[kVectors];
  V u[kVectors], s[kVectors];
  V behind[kVectors];  // what the sections gave, turned by a lane: the last one's first
};

/// Each tick takes a sample and gives the one of sections - 1 ticks ago. The samples that are in the pipeline at the end are
/// brought out of it by a few ticks of silence whose states are forgotten: the next call goes on with what was stored.
template <int kCount, int kVectors>
void cascade(const Cascade* cascades, float* const* channels, int frames) {
  const Wide d;
  const hn::RebindToSigned<Wide> di;
  const int width = static_cast<int>(hn::Lanes(d)), sections = cascades[0].sections;
  const auto lane = hn::Iota(di, 0);
  const auto rotate = hn::IndicesFromVec(d, hn::And(hn::Add(lane, hn::Set(di, width - 1)), hn::Set(di, width - 1)));
  const auto is_input = hn::RebindMask(d, hn::Eq(lane, hn::Set(di, kVectors * width - sections)));
  const auto is_first = hn::RebindMask(d, hn::Eq(lane, hn::Zero(di)));
  Pipeline<kVectors> pipelines[kCount];
  for (int channel = 0; channel < kCount; ++channel) pipelines[channel].load(cascades[channel]);
  for (int t = 0; t < frames + sections - 1; ++t) {
    for (int channel = 0; channel < kCount; ++channel) {
      Pipeline<kVectors>& at = pipelines[channel];
      if (t == frames) at.store(cascades[channel]);
      const float sample = t < frames ? channels[channel][t] * cascades[channel].gain : 0.0f;
      for (int j = kVectors - 1; j >= 0; --j) {
        const V x = j == 0 ? hn::IfThenElse(is_input, hn::Set(d, sample), at.behind[0])
                           : hn::IfThenElse(is_first, at.behind[j - (j > 0)], at.behind[j]);
        const V y = hn::Add(x, hn::MulAdd(at.y1[j], at.u[j], hn::Mul(at.y2[j], at.s[j])));
        at.s[j] = hn::Add(at.s[j], at.u[j]);
        at.u[j] = hn::MulAdd(at.g[j], hn::Sub(x, at.s[j]), hn::NegMulAdd(at.p[j], at.u[j], at.u[j]));
        at.behind[j] = hn::TableLookupLanes(y, rotate);
      }
      if (t >= sections - 1) channels[channel][t - sections + 1] = hn::GetLane(at.behind[kVectors - 1]);
    }
  }
  if (sections > 1) return;
  for (int channel = 0; channel < kCount; ++channel) pipelines[channel].store(cascades[channel]);
}

/// As many vectors as the sections need; two channels side by side where registers hold them.
template <int kVectors>
void cascades_of(const Cascade* cascades, float* const* channels, int count, int frames) {
  if constexpr (kVectors > 1) {
    if (cascades[0].sections <= (kVectors - 1) * static_cast<int>(hn::Lanes(Wide())))
      return cascades_of<kVectors - 1>(cascades, channels, count, frames);
  }
  if constexpr (kVectors <= 2) {
    if (count == 2) return cascade<2, kVectors>(cascades, channels, frames);
  }
  for (int channel = 0; channel < count; ++channel)
    cascade<1, kVectors>(cascades + channel, channels + channel, frames);
}

void RunCascades(const Cascade* cascades, float* const* channels, int count, int frames) {
  cascades_of<kLanes / static_cast<int>(hn::MaxLanes(Wide()))>(cascades, channels, count, frames);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(RunCascades);

void run_cascades(const Cascade* cascades, float* const* channels, int count, int frames) {
  HWY_DYNAMIC_DISPATCH(RunCascades)(cascades, channels, count, frames);
}

}  // namespace diffverb::runtime
#endif
