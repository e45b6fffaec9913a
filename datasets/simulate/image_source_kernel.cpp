#include "datasets/simulate/image_source_kernel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "datasets/simulate/image_source_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kChunk = 128;        // images whose places are worked out before they are added
constexpr float kLeastAmplitude = 1e-12f;  // below it nothing is heard, and denormal numbers would cost time

/// Where the images of one chunk lie between the samples.
struct Places {
  HWY_ALIGN std::int32_t sample[kChunk];  // whole part of the time of arrival
  HWY_ALIGN std::int32_t phase[kChunk];   // row of the table
  HWY_ALIGN float between[kChunk];        // share of the next row
  HWY_ALIGN float amplitude[kChunk];      // 1 / distance
};

HWY_INLINE void find_places(const ImageGrid& grid, const ImageRow& row, std::size_t first, std::size_t count,
                            Places& places) {
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<std::int32_t, decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const std::size_t lanes = hn::Lanes(d);
  const auto phases = hn::Set(d, grid.delay->phases());
  for (std::size_t i = 0; i < count; i += lanes) {  // axis tables are padded: reading over the end is reading zeros
    const auto x = hn::LoadU(d, row.offset_m + first + i);
    auto distance = hn::Sqrt(hn::MulAdd(x, x, hn::Set(d, row.square_m2)));
    if (row.jitter_m) distance = hn::Add(distance, hn::PromoteTo(d, hn::LoadU(df, row.jitter_m + first + i)));
    distance = hn::Max(distance, hn::Set(d, 1e-3));
    const auto time = hn::Mul(distance, hn::Set(d, grid.samples_per_m));
    const auto whole = hn::Floor(time);
    const auto place = hn::Mul(hn::Sub(hn::Set(d, 1.0), hn::Sub(time, whole)), phases);
    const auto phase = hn::Floor(place);
    hn::Store(hn::DemoteTo(di, whole), di, places.sample + i);
    hn::Store(hn::DemoteTo(di, phase), di, places.phase + i);
    hn::Store(hn::DemoteTo(df, hn::Sub(place, phase)), df, places.between + i);
    hn::Store(hn::DemoteTo(df, hn::Div(hn::Set(d, 1.0), distance)), df, places.amplitude + i);
  }
}

HWY_INLINE void fade_out(const ImageGrid& grid, std::size_t count, Places& places) {
  for (std::size_t i = 0; i < count; ++i) {
    const double into = 1.0 / places.amplitude[i] - grid.fade_from_m;
    if (into <= 0) continue;
    places.amplitude[i] *=
        static_cast<float>(into >= grid.fade_m ? 0.0 : std::cos(0.5 * std::numbers::pi * into / grid.fade_m));
  }
}

/// out += amplitude (table row blended with the next), in registers from end to end.
HWY_INLINE void add_one_band(const float* HWY_RESTRICT taps, std::size_t stride, float amplitude, float between,
                             float* HWY_RESTRICT out) {
  const hn::CappedTag<float, 16> d;
  const auto second = hn::Set(d, amplitude * between);
  const auto first = hn::Sub(hn::Set(d, amplitude), second);
  for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
    auto sum = hn::LoadU(d, out + k);
    sum = hn::MulAdd(first, hn::LoadU(d, taps + k), sum);
    sum = hn::MulAdd(second, hn::LoadU(d, taps + stride + k), sum);
    hn::StoreU(sum, d, out + k);
  }
}

void AddImageRow(const ImageGrid& grid, const ImageRow& row) {
  const hn::CappedTag<float, 16> d;
  const std::size_t stride = grid.delay->stride();
  const float* table = grid.delay->table();
  HWY_ALIGN float taps[1024 + FractionalDelay::kPad];
  Places places;
  for (std::size_t first = 0; first < row.count; first += kChunk) {
    const std::size_t count = std::min(kChunk, row.count - first);
    find_places(grid, row, first, count, places);
    if (grid.fade_m > 0) fade_out(grid, count, places);
    for (std::size_t i = 0; i < count; ++i) {
      if (places.sample[i] > grid.last_sample) continue;
      const float* rows = table + static_cast<std::size_t>(places.phase[i]) * stride;
      float* out = grid.trains + places.sample[i];
      const float* gain = row.gain + first + i;
      if (grid.bands == 1) {
        const float amplitude = places.amplitude[i] * row.row_gain[0] * gain[0];
        if (amplitude > kLeastAmplitude) add_one_band(rows, stride, amplitude, places.between[i], out);
        continue;
      }
      const auto between = hn::Set(d, places.between[i]);
      for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
        const auto low = hn::LoadU(d, rows + k);
        hn::Store(hn::MulAdd(between, hn::Sub(hn::LoadU(d, rows + stride + k), low), low), d, taps + k);
      }
      for (std::size_t b = 0; b < grid.bands; ++b, out += grid.stride) {
        const float amplitude = places.amplitude[i] * row.row_gain[b] * gain[b * row.gain_stride];
        if (!(amplitude > kLeastAmplitude)) continue;
        const auto a = hn::Set(d, amplitude);
        for (std::size_t k = 0; k < stride; k += hn::Lanes(d))
          hn::StoreU(hn::MulAdd(a, hn::Load(d, taps + k), hn::LoadU(d, out + k)), d, out + k);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(AddImageRow);

void add_image_row(const ImageGrid& grid, const ImageRow& row) { HWY_DYNAMIC_DISPATCH(AddImageRow)(grid, row); }

}  // namespace diffverb
#endif
