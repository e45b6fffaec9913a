#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// A section at another rate: its poles and zeros where they were in Hz (bilinear transform, prewarped at the poles'
/// frequency, or near the half rate where they lie above), and its gain in dB times `power` as far as a section can. What
/// is then missing is for fit_sections.
Biquad move_section(const Biquad& section, double from_hz, double to_hz, double power);

/// What a cascade of sections is to be: log |H| at frequencies, and how much each of them counts.
struct FilterTarget {
  std::vector<double> hz, log_gain, weight;  // [F]
};

/// Fits a cascade to the target's magnitude by least squares (Levenberg and Marquardt's), from the sections as they
/// stand. Poles stay inside the unit circle. Returns the largest weighted error at any frequency.
double fit_sections(std::vector<Biquad>& sections, double rate_hz, const FilterTarget& target);

/// log |H| at a frequency; at least -40 nepers.
double log_gain(const Biquad& section, double hz, double rate_hz);

}  // namespace diffverb::runtime
