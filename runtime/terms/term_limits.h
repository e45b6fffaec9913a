#pragma once

#include <cstddef>

#include "runtime/kernels.h"
#include "runtime/terms/term.h"

namespace diffverb::runtime {

/// What the kinds of terms have in common.
inline constexpr long long kMostTermTaps = 1LL << 22;
inline constexpr std::size_t kTermRinging = 64;  // samples of what a filter at another rate rings on
inline constexpr std::size_t kTermStride = TermPlayer::kChunk + kPad;

}  // namespace diffverb::runtime
