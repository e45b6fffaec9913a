#include "datasets/simulate/band_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "datasets/simulate/band_sum.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#ifndef DIFFVERB_BAND_SUM_CASCADE
#define DIFFVERB_BAND_SUM_CASCADE
namespace diffverb {

constexpr std::size_t kLanes = 8;
constexpr int kSections = 3;

/// Three second-order sections for each of eight lanes; all zero: a lane that is silent.
struct Crossovers {
  alignas(64) double b0[kSections][kLanes] = {}, b1[kSections][kLanes] = {}, b2[kSections][kLanes] = {};
  alignas(64) double a1[kSections][kLanes] = {}, a2[kSections][kLanes] = {};
};

}  // namespace diffverb
#endif

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// One sample through the sections (transposed direct form II), all lanes.
HWY_INLINE void filter_sample(const Crossovers& c, double (*state)[2][kLanes], double* HWY_RESTRICT x) {
  const hn::CappedTag<double, kLanes> d;
  for (std::size_t l = 0; l < kLanes; l += hn::Lanes(d)) {
    auto v = hn::Load(d, x + l);
    for (int s = 0; s < kSections; ++s) {
      const auto y = hn::MulAdd(hn::Load(d, c.b0[s] + l), v, hn::Load(d, state[s][0] + l));
      auto next = hn::MulAdd(hn::Load(d, c.b1[s] + l), v, hn::Load(d, state[s][1] + l));
      next = hn::NegMulAdd(hn::Load(d, c.a1[s] + l), y, next);
      hn::Store(next, d, state[s][0] + l);
      hn::Store(hn::NegMulAdd(hn::Load(d, c.a2[s] + l), y, hn::Mul(hn::Load(d, c.b2[s] + l), v)), d, state[s][1] + l);
      v = y;
    }
    hn::Store(v, d, x + l);
  }
}

/// rows [T, 8]: both ways, in place; then each row's sum is added to out.
void RunCrossovers(const Crossovers& c, float* rows, std::size_t samples, float* out) {
  const hn::CappedTag<double, kLanes> d;
  const hn::Rebind<float, decltype(d)> df;
  HWY_ALIGN double x[kLanes];
  HWY_ALIGN double state[kSections][2][kLanes] = {};
  for (std::size_t n = 0; n < samples; ++n) {
    float* row = rows + n * kLanes;
    for (std::size_t l = 0; l < kLanes; l += hn::Lanes(d))
      hn::Store(hn::PromoteTo(d, hn::LoadU(df, row + l)), d, x + l);
    filter_sample(c, state, x);
    for (std::size_t l = 0; l < kLanes; l += hn::Lanes(d))
      hn::StoreU(hn::DemoteTo(df, hn::Load(d, x + l)), df, row + l);
  }
  std::fill(&state[0][0][0], &state[0][0][0] + kSections * 2 * kLanes, 0.0);
  for (std::size_t n = samples; n-- > 0;) {
    const float* row = rows + n * kLanes;
    for (std::size_t l = 0; l < kLanes; l += hn::Lanes(d))
      hn::Store(hn::PromoteTo(d, hn::LoadU(df, row + l)), d, x + l);
    filter_sample(c, state, x);
    double sum = 0;
    for (std::size_t l = 0; l < kLanes; ++l) sum += x[l];
    out[n] += static_cast<float>(sum);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {
namespace {

HWY_EXPORT(RunCrossovers);

/// Butterworth low-pass of an even order, bilinear with its edge prewarped; sections of the lane that are left pass on.
void set_low_pass(Crossovers& c, std::size_t lane, int order, double edge_hz, double rate_hz) {
  const double k = std::tan(std::numbers::pi * edge_hz / rate_hz);
  for (int s = 0; s < kSections; ++s) {
    if (s >= order / 2) {
      c.b0[s][lane] = 1;
      continue;
    }
    const double damping = 2 * std::sin(std::numbers::pi * (2 * s + 1) / (2 * order));  // 1 / Q
    const double norm = 1 / (1 + damping * k + k * k);
    c.b0[s][lane] = c.b2[s][lane] = k * k * norm;
    c.b1[s][lane] = 2 * k * k * norm;
    c.a1[s][lane] = 2 * (k * k - 1) * norm;
    c.a2[s][lane] = (1 - damping * k + k * k) * norm;
  }
}

}  // namespace

std::vector<float> sum_bands(const BandTrains& trains, std::span<const double> edges_hz, double high_pass_hz,
                             double rate_hz) {
  const std::size_t bands = trains.bands;
  if (bands < 1 || bands > kMostBands || edges_hz.size() + 1 != bands)
    throw ContractError("sum_bands: expected 1 .. 8 bands and an edge between each two");
  Crossovers c;
  double last = 0;
  for (std::size_t b = 0; b + 1 < bands; ++b) {
    if (!(edges_hz[b] > last && edges_hz[b] < rate_hz / 2))
      throw ContractError("sum_bands: edges must ascend and stay below half of the rate");
    last = edges_hz[b];
    set_low_pass(c, b, 6, last, rate_hz);
  }
  if (high_pass_hz > 0) set_low_pass(c, kLanes - 1, 2, high_pass_hz, rate_hz);

  const std::size_t total = trains.stride;
  std::vector<float> sum(trains.band(bands - 1), trains.band(bands - 1) + total);
  if (bands > 1 || high_pass_hz > 0) {
    std::vector<float> rows(total * kLanes, 0.0f);
    for (std::size_t b = 0; b + 1 < bands; ++b) {
      const float *low = trains.band(b), *high = trains.band(b + 1);
      for (std::size_t n = 0; n < total; ++n) rows[n * kLanes + b] = low[n] - high[n];
    }
    if (high_pass_hz > 0)
      for (std::size_t n = 0; n < total; ++n) rows[n * kLanes + kLanes - 1] = -trains.band(0)[n];
    HWY_DYNAMIC_DISPATCH(RunCrossovers)(c, rows.data(), total, sum.data());
  }
  const auto begin = sum.begin() + static_cast<std::ptrdiff_t>(trains.lead);
  return {begin, begin + static_cast<std::ptrdiff_t>(trains.samples)};
}

}  // namespace diffverb
#endif
