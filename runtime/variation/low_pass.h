#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// An elliptic low-pass: 0.1 dB of ripple to `pass_hz`, 64 dB or more down from `stop_hz` on, which lies below half the
/// rate; as few sections as that takes.
/// Source: Orfanidis, "Lecture notes on elliptic filter design", 2006 (Landen's transformations).
std::vector<Biquad> elliptic_low_pass(double rate_hz, double pass_hz, double stop_hz);

}  // namespace diffverb::runtime
