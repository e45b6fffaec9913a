#pragma once

#include <string>

namespace diffverb {

/// Plays a burst of noise into each loop (time_kernel.h) and looks whether what comes round grows: what growing_loop cannot tell.
/// Costs about as much as a response of some twenty times the longest delay; loops whose matrix and filters take energy
/// away at every frequency are not played.
///
/// Seen to grow: within 24 longest delays, 20 dB above the first and 6 dB above the middle one. A loop that grows
/// slower than that passes; the exporter's check (runtime/stability.h) decides.
/// Reads    a [N, N] row-major, delays [N] (fractional ones are rounded), sos [N, S, 5]; no loop without delay
/// Returns  an empty string, or what grows, with the number of a line of it counted from 0
std::string loop_heard_growing(const double* a, const double* delays, const double* sos, int lines, int sections);

}  // namespace diffverb
