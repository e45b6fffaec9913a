#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/acoustics/echo_density.h"
#include "core/acoustics/late_modes.h"

namespace diffverb::acoustics {

/// How the late part of a response sounds, by number: from 80 ms after the onset until it has fallen by 60 dB.
///
///   metallic   single modes stand out: kMetallicPct of the bins or more lie 12 dB above the median of their
///              neighbours, or |H| scatters by kMetallicSpreadDb or more
///   grainy     single echoes stand out: the echo density stays below kGrainyDensity on average
///
/// Thresholds: noise with an exponential decay of 0.3 to 4 s has 0.00 to 0.01 %, 5.2 to 5.8 dB and 0.97 to 1.0;
/// Schroeder's four combs and two allpasses 0.8 %, 6.9 dB and 0.2; a single comb 10 %.
struct Tail {
  double from_s = 0, to_s = 0;           ///< after the onset
  std::optional<LateSpectrum> spectrum;  ///< nothing where the stretch is too short
  std::optional<double> echo_density;
  bool metallic = false, grainy = false;
};

inline constexpr double kMetallicPct = 0.1;
inline constexpr double kMetallicSpreadDb = 6.5;
inline constexpr double kGrainyDensity = 0.8;
inline constexpr double kTailFromSeconds = 0.080;
inline constexpr double kTailFallDb = 60;

/// Where the energy that is still to come has fallen by `fall_db`, in samples; the end where it does not fall as far.
std::size_t fallen_by(std::span<const double> response, double fall_db);

/// Reads    response [T], onset at index 0, without noise; density: its own
/// Throws   ContractError unless rate_hz > 0
Tail measure_tail(std::span<const double> response, double rate_hz, const EchoDensity& density);

}  // namespace diffverb::acoustics
