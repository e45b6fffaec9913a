#pragma once

#include <cstddef>
#include <cstdint>

namespace diffverb {

/// `rounds` rounds of independent multiply-adds in registers, in float32 with the widest SIMD of this machine.
///
/// Returns  how many floating-point operations that were, a multiply-add being two
std::int64_t multiply_adds(std::int64_t rounds);

/// out = a + scale b over `size` numbers; the stores go past the caches where the machine can do that.
void triad(const float* a, const float* b, float scale, std::size_t size, float* out);

}  // namespace diffverb
