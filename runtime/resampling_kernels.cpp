#include "runtime/resampling_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/resampling_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Lagrange's weights of the points -1, 0, 1, 2.
inline std::array<float, 4> cubic_weights(double x) {
  return {static_cast<float>(-x * (x - 1) * (x - 2) / 6), static_cast<float>((x * x - 1) * (x - 2) / 2),
          static_cast<float>(-x * (x + 1) * (x - 2) / 2), static_cast<float>(x * (x * x - 1) / 6)};
}

/// kVectors of them are the lanes that a table is padded to: added up apart, so that they can be at once.
template <std::size_t kVectors, typename D>
float kernel_sum(D d, const float* kernel, std::size_t taps, const std::array<float, 4>& weights, const float* sound) {
  const std::size_t width = hn::Lanes(d);
  hn::Vec<D> weight[4], sum[kVectors];
  for (std::size_t r = 0; r < 4; ++r) weight[r] = hn::Set(d, weights[r]);
  for (std::size_t j = 0; j < kVectors; ++j) sum[j] = hn::Zero(d);
  for (std::size_t k = 0; k < taps; k += kKernelLanes) {
    for (std::size_t j = 0; j < kVectors; ++j) {
      const std::size_t at = k + j * width;
      auto tap = hn::Mul(weight[0], hn::LoadU(d, kernel + at));
      for (std::size_t r = 1; r < 4; ++r) tap = hn::MulAdd(weight[r], hn::LoadU(d, kernel + r * taps + at), tap);
      sum[j] = hn::MulAdd(tap, hn::LoadU(d, sound + at), sum[j]);
    }
  }
  for (std::size_t j = 1; j < kVectors; ++j) sum[0] = hn::Add(sum[0], sum[j]);
  return hn::GetLane(hn::SumOfLanes(d, sum[0]));
}

template <std::size_t kVectors, typename D>
void interpolate_by(D d, const KernelTable& table, const float* sound, std::ptrdiff_t first, double step,
                    std::span<float> out) {
  const auto places = static_cast<double>(table.places);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double place = static_cast<double>(first + static_cast<std::ptrdiff_t>(i)) * step, whole = std::floor(place);
    const double point = (place - whole) * places;
    const std::size_t row = std::min(static_cast<std::size_t>(point), table.places - 1);
    out[i] = kernel_sum<kVectors>(d, table.rows + row * table.taps, table.taps,
                                  cubic_weights(point - static_cast<double>(row)),
                                  sound + static_cast<std::ptrdiff_t>(whole));
  }
}

void Interpolate(const KernelTable& table, const float* sound, std::ptrdiff_t first, double step,
                 std::span<float> out) {
  const hn::CappedTag<float, kKernelLanes> d;
  switch (kKernelLanes / hn::Lanes(d)) {
    case 1:
      return interpolate_by<1>(d, table, sound, first, step, out);
    case 2:
      return interpolate_by<2>(d, table, sound, first, step, out);
    case 4:
      return interpolate_by<4>(d, table, sound, first, step, out);
    default:
      return interpolate_by<kKernelLanes>(d, table, sound, first, step, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(Interpolate);

void interpolate(const KernelTable& table, const float* sound, std::ptrdiff_t first, double step,
                 std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(Interpolate)(table, sound, first, step, out);
}

}  // namespace diffverb::runtime
#endif
