#pragma once

#include <cstddef>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Sections in the arrays of weights, [rows, sections, 5] b0 b1 b2 a1 a2; `index` counts through all rows.
Biquad section_at(const std::vector<double>& sos, int index);
void put_section(std::vector<double>& sos, int index, const Biquad& section);
/// One more at the end.
void push_section(std::vector<double>& sos, const Biquad& section);
/// The same ones behind those of every row; `sections` is how many a row has.
void append_sections(std::vector<double>& sos, int rows, int& sections, const std::vector<Biquad>& more);

enum class PassKind { kLowpass, kHighpass };
/// A low-pass or high-pass of the second order, 0 < cutoff_hz < rate_hz / 2.
/// Source: Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"
Biquad cookbook_section(PassKind kind, double cutoff_hz, double q, double rate_hz);

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

/// A biquad of fixed coefficients in six operations, two integrators in a ring:
///
///     y = y0 x + y1 u + y2 s        s += u        u += g (x - s) - p u (the new s)
///
/// g = 1 + a1 + a2 and p = 1 - a2 keep their relative accuracy for poles near z = 1 as the form above does, which stays
/// the one for coefficients that move; for poles near z = -1 the relative error is about 2e-7 / (1 - a1 + a2).
/// Source: Chamberlin, Musical Applications of Microprocessors, 1985, chapter 14;
/// its outputs weighed for any numerator.
struct PlayedSection {
  float g = 1, p = 1, y0 = 1, y1 = 0, y2 = 0;
};

/// Reads: a biquad with |a2| < 1 and |a1| < 1 + a2.
PlayedSection to_played_section(const Biquad& biquad);

/// How many sections of a cascade cannot have their gain of the newest sample taken out: it is 0, or nearly.
int count_general(const std::vector<Biquad>& cascade);
/// The cascade with those sections first; all but the first `general` (>= 1 and >= count_general) have y0 = 1, what
/// they gain is in the first.
std::vector<PlayedSection> played_cascade(std::vector<Biquad> cascade, int general);

/// Writes g p y0 y1 y2 as the kernels want them, a stride apart (filter_kernels.h).
void put(const PlayedSection& section, float* coefficients, std::size_t stride);

/// Both poles lie inside the unit circle, and stay there when the section is played in single precision.
bool is_stable(const Biquad& biquad);

}  // namespace diffverb::runtime
