#include "core/spectral/griffin_lim_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/spectral/griffin_lim_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "core/spectral/griffin_lim_kernel-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
void GriffinLimRows(const GriffinLimProblem& problem, std::int64_t begin, std::int64_t end) {
  griffin_lim::rows(problem, begin, end);
}
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "core/seed.h"

namespace diffverb {

HWY_EXPORT(GriffinLimRows);

bool griffin_lim_has_kernel(int fft_size, int hop_size) {
  const int columns = fft_size == 2048 ? 64 : 32;
  return (fft_size == 512 || fft_size == 1024 || fft_size == 2048) && hop_size % columns == 0 &&
         fft_size / 2 % hop_size == 0;
}

void griffin_lim_rows(const GriffinLimProblem& problem, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(GriffinLimRows)(problem, begin, end);
}

void random_phases(std::uint64_t seed, std::uint64_t row, int fft_size, int frames, float* phases) {
  constexpr int kPoints = 4096;
  static const std::array<float, 2 * kPoints> circle = [] {
    std::array<float, 2 * kPoints> points{};
    for (int i = 0; i < kPoints; ++i) {
      points[2 * i] = static_cast<float>(std::cos(2 * std::numbers::pi * i / kPoints));
      points[2 * i + 1] = static_cast<float>(std::sin(2 * std::numbers::pi * i / kPoints));
    }
    return points;
  }();
  std::uint64_t state = derive_seed(seed, "griffin_lim " + std::to_string(row));
  const std::size_t values = static_cast<std::size_t>(fft_size / 2 + 1) * frames;
  for (std::size_t i = 0; i < values; ++i) {
    state += 0x9e3779b97f4a7c15u;  // splitmix64
    std::uint64_t bits = state;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    const std::size_t point = (bits ^ (bits >> 31)) % kPoints;
    const std::size_t bin = i / static_cast<std::size_t>(frames);
    const bool real = bin == 0 || bin == static_cast<std::size_t>(fft_size / 2);
    phases[2 * i] = real ? (point < kPoints / 2 ? 1.0f : -1.0f) : circle[2 * point];
    phases[2 * i + 1] = real ? 0.0f : circle[2 * point + 1];
  }
}

}  // namespace diffverb
#endif
