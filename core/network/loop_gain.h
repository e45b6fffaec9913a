#pragma once

#include <string>

namespace diffverb {

/// Looks for a loop that cannot decay, by what every stable loop fulfils; cheap enough for each step of a training. With
/// P(z) = I - A G(z), in each group of lines that hear each other:
///
///   det P(z) > 0 for real |z| > 1    (P has no zero there, and ends at det I = 1); looked at beside 1 and -1
///   |det A| <= 1 without line filters (the product of the poles' moduli)
///
/// A loop that passes may still grow: the exporter's check (runtime/stability.h) decides.
/// Reads    a [N, N] row-major, delays [N] (a fractional one has no sign at -1 and is taken as it is at 1), sos
///          [N, S, 5]
/// Returns  an empty string, or what grows, with the number of a line of it counted from 0
std::string growing_loop(const double* a, const double* delays, const double* sos, int lines, int sections);

}  // namespace diffverb
