#pragma once

#include "runtime/variation.h"
#include "runtime/variation/loop_rates.h"

namespace diffverb::runtime {

/// Delays at another rate and size, in whole samples; one that was there stays at least one sample, or long enough for its
/// motion.
std::vector<std::int32_t> changed_delays(const DelayNetworkWeights& weights, double rate_hz,
                                         const Variation& variation);

/// Gives the lines of a network what they must lose at their new delays: `changed` holds the old filters at first, and
/// the new delays and rate. Every line of a loop gets a gain exp(old rate old delay - new rate new delay) more, as a gain
/// where that is nearly the same at all frequencies, else as filters, fitted anew with those it has. So a response is
/// weighted by an exponential of time, whatever the loop is made of; the lattice of an allpass that stands in a loop keeps
/// its gains.
void change_lines(const DelayNetworkWeights& old, const LoopRates& rates, const Variation& variation,
                  DelayNetworkWeights& changed);

/// Filters that have nothing to do with decay, at another rate: [rows, sections, 5] as they were in Hz.
std::vector<double> moved_filters(const std::vector<double>& sos, int sections, double from_hz, double to_hz);

/// The frequencies at which filters are held to what they were: eight an octave to 0.98 of the lower half rate, and a few
/// above it.
std::vector<double> fit_frequencies(double from_hz, double to_hz);

}  // namespace diffverb::runtime
