#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/variation.h"

namespace diffverb::runtime {

/// Decay rates in nepers a second, in octaves (octave_bands.h).
struct OctaveRates {
  std::vector<double> hz, rate;  // [K]
};

/// Responses whose octaves decay at other rates: each weighted by exp(-(to - from) t) from the first sample on.
std::vector<std::vector<float>> with_rates(const std::vector<std::vector<float>>& rows, double rate_hz,
                                           const OctaveRates& from, const OctaveRates& to);

/// Adds the band times exp(-change t), t in samples from `onset` on; before it the band as it is.
void add_weighted(std::vector<float>& to, std::span<const float> band, double change, std::size_t onset);

/// The first sample of any row within 20 dB of the loudest.
std::size_t onset_of(const std::vector<std::vector<float>>& rows);

/// What a variation makes of a decay time at a frequency: times `decay`, and by damping.
double decay_factor(const Variation& variation, double hz);

/// The gain of what comes at a time after the onset, from 1 before 64 ms to early_late_db behind 96 ms.
double early_late_gain(double early_late_db, double seconds);

}  // namespace diffverb::runtime
