#include "runtime/resampling_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

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

/// The kernel at a place: rows of the table, weighted.
template <std::size_t kRows>
struct Place {
  const float* rows;
  std::array<float, kRows> weights;
};

/// kVectors of them are the lanes that a table is padded to: added up apart, so that they can be at once.
template <std::size_t kVectors, std::size_t kRows, typename D>
HWY_INLINE float sound_at(D d, const Place<kRows>& place, std::size_t taps, const float* sound) {
  const std::size_t width = hn::Lanes(d);
  hn::Vec<D> sum[kVectors];
  for (std::size_t j = 0; j < kVectors; ++j) sum[j] = hn::Zero(d);
  for (std::size_t k = 0; k < taps; k += kKernelLanes) {
    for (std::size_t j = 0; j < kVectors; ++j) {
      const std::size_t lane = k + j * width;
      auto tap = hn::LoadU(d, place.rows + lane);
      if constexpr (kRows > 1) {
        tap = hn::Mul(hn::Set(d, place.weights[0]), tap);
        for (std::size_t r = 1; r < kRows; ++r)
          tap = hn::MulAdd(hn::Set(d, place.weights[r]), hn::LoadU(d, place.rows + r * taps + lane), tap);
      }
      sum[j] = hn::MulAdd(tap, hn::LoadU(d, sound + lane), sum[j]);
    }
  }
  for (std::size_t j = 1; j < kVectors; ++j) sum[0] = hn::Add(sum[0], sum[j]);
  return hn::GetLane(hn::SumOfLanes(d, sum[0]));
}

template <std::size_t kVectors, typename D>
void interpolate_between(D d, const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first,
                         double step, std::span<float> out) {
  const auto places = static_cast<double>(table.places);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double place = static_cast<double>(first + static_cast<std::ptrdiff_t>(i)) * step, whole = std::floor(place);
    const double point = (place - whole) * places;
    const std::size_t row = std::min(static_cast<std::size_t>(point), table.places - 1);
    const Place<4> kernel{table.rows + row * table.taps, cubic_weights(point - static_cast<double>(row))};
    out[i] = sound_at<kVectors>(d, kernel, table.taps, sound + (static_cast<std::ptrdiff_t>(whole) - at));
  }
}

template <std::size_t kVectors, typename D>
void interpolate_places(D d, const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first,
                        std::size_t step, std::span<float> out) {
  const auto places = static_cast<std::ptrdiff_t>(table.places), begin = first * static_cast<std::ptrdiff_t>(step);
  std::ptrdiff_t whole = begin / places, row = begin % places;
  if (row < 0) row += places, --whole;
  const auto whole_step = static_cast<std::ptrdiff_t>(step) / places,
             row_step = static_cast<std::ptrdiff_t>(step) % places;
  for (float& value : out) {
    const Place<1> kernel{table.rows + row * static_cast<std::ptrdiff_t>(table.taps), {}};
    value = sound_at<kVectors>(d, kernel, table.taps, sound + (whole - at));
    whole += whole_step, row += row_step;
    if (row >= places) row -= places, ++whole;
  }
}

/// work(d, number of vectors) for vectors of kKernelLanes together.
template <typename Work>
void by_lanes(Work work) {
  const hn::CappedTag<float, kKernelLanes> d;
  switch (kKernelLanes / hn::Lanes(d)) {
    case 1:
      return work(d, std::integral_constant<std::size_t, 1>());
    case 2:
      return work(d, std::integral_constant<std::size_t, 2>());
    case 4:
      return work(d, std::integral_constant<std::size_t, 4>());
    default:
      return work(d, std::integral_constant<std::size_t, kKernelLanes>());
  }
}

void InterpolateBetween(const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first,
                        double step, std::span<float> out) {
  by_lanes([&](auto d, auto vectors)
               HWY_ATTR { interpolate_between<vectors()>(d, table, sound, at, first, step, out); });
}

void InterpolatePlaces(const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first,
                       std::size_t step, std::span<float> out) {
  by_lanes([&](auto d, auto vectors)
               HWY_ATTR { interpolate_places<vectors()>(d, table, sound, at, first, step, out); });
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(InterpolateBetween);
HWY_EXPORT(InterpolatePlaces);

void interpolate(const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first, double step,
                 std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(InterpolateBetween)(table, sound, at, first, step, out);
}
void interpolate(const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first,
                 std::size_t step, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(InterpolatePlaces)(table, sound, at, first, step, out);
}

}  // namespace diffverb::runtime
#endif
