#include "runtime/first_order_kernel.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/first_order_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A filter with all that does not change in registers.
template <typename T>
class Scan {
 public:
  using D = hn::CappedTag<T, FirstOrder<T>::kMostGrid>;
  using V = hn::Vec<D>;

  explicit HWY_INLINE Scan(const FirstOrder<T>& f) : b1_(f.b1), p_(f.p) {
#if HWY_TARGET != HWY_SCALAR
    const hn::RebindToSigned<D> di;
    using Int = hn::TFromD<hn::RebindToSigned<D>>;
    const auto lane = hn::Iota(di, 0), last = hn::Set(di, static_cast<Int>(width() - 1));
    for (int k = 0, by = 1; by < width(); ++k, by *= 2) {
      behind_[k] = hn::IndicesFromVec(d_, hn::And(hn::Sub(lane, hn::Set(di, static_cast<Int>(by))), last));
      scan_[k] = hn::LoadU(d_, f.scan[k]);
    }
    feed_ = hn::LoadU(d_, f.feed);
#endif
    powers_ = hn::LoadU(d_, f.powers);
    b0_ = hn::Set(d_, f.b0);
    turned_ = f.powers[width()];
  }
  static HWY_INLINE int width() { return static_cast<int>(hn::Lanes(D())); }

  /// What a whole vector of the grid gives by itself.
  HWY_INLINE V alone(V x) const {
    auto y = hn::Mul(b0_, x);
#if HWY_TARGET != HWY_SCALAR
    y = hn::MulAdd(feed_, hn::TableLookupLanes(x, behind_[0]), y);
    for (int k = 0, by = 1; by < width(); ++k, by *= 2)
      y = hn::MulAdd(scan_[k], hn::TableLookupLanes(y, behind_[k]), y);
#endif
    return y;
  }
  HWY_INLINE V with_state(V alone, T z) const { return hn::MulAdd(powers_, hn::Set(d_, z), alone); }
  /// z behind the grid, of z before it, its newest input and what that gave alone.
  HWY_INLINE T next_state(T z, T x, T alone) const {
    const hn::CappedTag<T, 1> one;
    const auto own = hn::MulAdd(hn::Set(one, b1_), hn::Set(one, x), hn::Mul(hn::Set(one, p_), hn::Set(one, alone)));
    return hn::GetLane(hn::MulAdd(hn::Set(one, turned_), hn::Set(one, z), own));
  }

 private:
  const D d_{};
  T b1_, p_, turned_;  // p^width
#if HWY_TARGET != HWY_SCALAR
  decltype(hn::IndicesFromVec(D(), hn::Zero(hn::RebindToSigned<D>()))) behind_[FirstOrder<T>::kMostSteps];
  V scan_[FirstOrder<T>::kMostSteps], feed_;
#endif
  V b0_, powers_;
};

template <typename T>
void run(FirstOrder<T>& f, T* x, int frames) {
  const typename Scan<T>::D d;
  const Scan<T> filter(f);
  const int width = Scan<T>::width();
  HWY_ALIGN T alone[FirstOrder<T>::kMostGrid], y[FirstOrder<T>::kMostGrid];
  T z = f.z;
  for (int t = 0; t < frames;) {
    if (f.position == 0 && t + width <= frames) {
      const T newest = x[t + width - 1];
      const auto own = filter.alone(hn::LoadU(d, x + t));
      hn::Store(own, d, alone);
      hn::StoreU(filter.with_state(own, z), d, x + t);
      z = filter.next_state(z, newest, alone[width - 1]);
      t += width;
      continue;
    }
    const int some = std::min(frames - t, width - f.position);
    for (int k = 0; k < width; ++k) {
      if (k >= f.position) f.so_far[k] = k < f.position + some ? x[t + k - f.position] : T(0);
    }
    const auto own = filter.alone(hn::LoadU(d, f.so_far));
    hn::Store(own, d, alone);
    hn::Store(filter.with_state(own, z), d, y);
    for (int k = 0; k < some; ++k) x[t + k] = y[f.position + k];
    f.position += some;
    t += some;
    if (f.position < width) continue;
    z = filter.next_state(z, f.so_far[width - 1], alone[width - 1]);
    f.position = 0;
  }
  f.z = z;
}

void RunFloats(FirstOrder<float>& f, float* x, int frames) { run(f, x, frames); }
void RunDoubles(FirstOrder<double>& f, double* x, int frames) { run(f, x, frames); }

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(RunFloats);
HWY_EXPORT(RunDoubles);

void run_first_order(FirstOrder<float>& filter, float* x, int frames) {
  HWY_DYNAMIC_DISPATCH(RunFloats)(filter, x, frames);
}
void run_first_order(FirstOrder<double>& filter, double* x, int frames) {
  HWY_DYNAMIC_DISPATCH(RunDoubles)(filter, x, frames);
}

}  // namespace diffverb::runtime
#endif
