#pragma once

#include <cstddef>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// A biquad as a state-variable filter with trapezoidal integrators, in increments:
///
///     d = x - s2        y = y0 x + y1 s1 + y2 s2
///     s1 += q d - p s1      s2 += r d + q s1 (the old s1)
///
/// The same transfer function as the direct form for every stable biquad. In single precision its coefficients keep
/// their relative accuracy for poles near z = 1 (they vanish with the frequency, where a1 -> -2 and a2 -> 1 lose all
/// digits), so that 30 Hz at 96 kHz can be played in float. Source: Zavalishin, The Art of VA Filter Design, 2018,
/// chapter 4; Simper, "Solving the continuous SVF equations using trapezoidal integration and equivalent currents",
/// 2013, rearranged.
struct StateVariable {
  float q = 0, p = 0, r = 0, y0 = 1, y1 = 0, y2 = 0;
};

/// Reads: a biquad with |a2| < 1 and |a1| < 1 + a2.
StateVariable to_state_variable(const Biquad& biquad);

/// Writes q p r y0 y1 y2 as the kernels want them, a stride apart (kernels.h).
void put(const StateVariable& section, float* coefficients, std::size_t stride);

/// Both poles lie inside the unit circle, and stay there when the section is played in single precision.
bool is_stable(const Biquad& biquad);

}  // namespace diffverb::runtime
