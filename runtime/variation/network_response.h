#pragma once

#include <complex>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The frequency response of a line's filter at rest, without its delay.
std::complex<double> line_gain(const DelayNetworkWeights& weights, int line, double hz);

/// What reading a line as it moves takes of a frequency, log |.| on average over its motion: Lagrange's cubic interpolation
/// lets the highs down. 0 where the line stands still.
double interpolation_log_gain(const DelayNetworkWeights& weights, int line, double hz);

/// C G (I - A G)^-1 B + D of a network at rest, behind its output filters, row-major [O, I]; no early part. Some n^3
/// multiplications.
std::vector<std::complex<double>> network_gain(const DelayNetworkWeights& weights, double hz);

/// Every input passes to every output, or to none, at one level at all frequencies, within 1 dB, as far as some dozens of
/// frequencies tell; and there is nothing beside the network. One too large to ask (above 64 lines) is none.
bool is_allpass(const DelayNetworkWeights& weights);

}  // namespace diffverb::runtime
