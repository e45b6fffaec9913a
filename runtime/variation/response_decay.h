#pragma once

#include <cstddef>
#include <vector>

#include "runtime/variation.h"

namespace diffverb::runtime {

/// Decay rates in nepers a second, in octaves (octave_bands.h).
struct OctaveRates {
  std::vector<double> hz, rate;  // [K]
};

/// Responses whose octaves decay at other rates: each weighted by exp(-(to - from) t) from `onset` on.
std::vector<std::vector<double>> with_rates(const std::vector<std::vector<double>>& rows, double rate_hz,
                                            const OctaveRates& from, const OctaveRates& to, std::size_t onset);

/// Measured responses likewise: octaves that are to decay more slowly go on as noise from where the measured noise comes
/// near (10 dB), and all rows become as long as 80 dB of the slowest octave, `longest` samples at most. What does not
/// decay stays as it is. `wanted`: times the decay time of an octave.
std::vector<std::vector<double>> with_decay_times(const std::vector<std::vector<double>>& rows, double rate_hz,
                                                  const OctaveRates& measured, const std::vector<double>& wanted,
                                                  std::size_t longest);

/// Rates of responses together; 0 where an octave does not decay.
OctaveRates measure_octaves(const std::vector<std::vector<double>>& rows, double rate_hz);

/// The first sample of any row within 20 dB of the loudest.
std::size_t onset_of(const std::vector<std::vector<double>>& rows);

/// What a variation makes of a decay time at a frequency: times `decay`, and by damping.
double decay_factor(const Variation& variation, double hz);

/// The gain of what comes at a time after the onset, from 1 before 64 ms to early_late_db behind 96 ms.
double early_late_gain(double early_late_db, double seconds);

}  // namespace diffverb::runtime
