#pragma once

#include "runtime/variation.h"
#include "runtime/variation/loop_rates.h"

namespace diffverb::runtime {

/// Delays at another rate and size, in whole samples; one that was there stays at least one sample, or long enough for its
/// motion.
std::vector<std::int32_t> changed_delays(const DelayNetworkWeights& weights, double rate_hz,
                                         const Variation& variation);

/// Gives the lines of a network what they must lose at their new delays: `changed` holds the old matrix, gains and filters
/// at first, and the new delays and rate. A loss becomes a gain where it is nearly the same at all frequencies, else
/// filters, fitted anew with those the line has.
///
/// Where a loop is to decay more slowly its losses become a power of themselves, so that an allpass in it stays an allpass.
/// Where it is to decay faster than its losses make it, lattices would ring on: each line then gets a loss by its delay,
/// which weights all that the loop sounds by an exponential of time.
void change_lines(const DelayNetworkWeights& old, const LoopRates& rates, const Variation& variation,
                  DelayNetworkWeights& changed);

/// Finds the corrections of loops that were measured: the network is changed at its own rate, the loops measured again, up
/// to six times, until their rates between 88 Hz and 11.3 kHz are what was wanted to 1.5 % (root of the mean square); the
/// nearest round is kept.
void correct_rates(const DelayNetworkWeights& weights, const Variation& variation, LoopRates& rates);

/// Filters that have nothing to do with decay, at another rate: [rows, sections, 5] as they were in Hz.
std::vector<double> moved_filters(const std::vector<double>& sos, int sections, double from_hz, double to_hz);

/// The frequencies at which filters are held to what they were: eight an octave to 0.98 of the lower half rate, and a few
/// above it.
std::vector<double> fit_frequencies(double from_hz, double to_hz);

}  // namespace diffverb::runtime
