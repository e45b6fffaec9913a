#pragma once

#include <cstddef>
#include <span>

namespace diffverb::runtime {

/// What tables of kernels are padded to in taps.
inline constexpr std::size_t kKernelLanes = 16;

/// A kernel from a share of a sample on.
struct KernelTable {
  const float* rows =
      nullptr;  ///< [places + 3, taps], one place before 0 first; [places, taps] from 0 on where there are no others
  std::size_t places = 1;  ///< a sample
  std::size_t taps = 0;    ///< a multiple of kKernelLanes
};

/// out[i] = sum_k kernel(share)[k] sound[whole - at + k] with whole + share = (first + i) step, 0 <= share < 1: sound[0] is
/// the sound's sample `at`. Cubic between the table's places.
void interpolate(const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first, double step,
                 std::span<float> out);

/// The same where the table has all places that there are: a step of `step` of them.
void interpolate(const KernelTable& table, const float* sound, std::ptrdiff_t at, std::ptrdiff_t first,
                 std::size_t step, std::span<float> out);

}  // namespace diffverb::runtime
