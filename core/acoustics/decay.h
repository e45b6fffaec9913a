#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace diffverb::acoustics {

/// Where a decay ends and noise begins, after Lundeby et al. 1995.
struct NoiseFloor {
  double power = 0;  ///< mean square of the noise per sample; 0 where no floor was found within the response
  std::size_t truncation_samples = 0;  ///< where decay and noise are equally strong, or the end of the response
  double late_t60_s = 0;               ///< decay time of the last 20 dB above the noise
  double power_at_truncation = 0;  ///< mean square of the decay alone at truncation_samples, from the late decay line
  bool found = false;              ///< a decay was found at all; where false, everything else is 0
};

/// The energy decay of one band.
struct Decay {
  NoiseFloor floor;
  /// EDC(t) = sum_{s = t}^{truncation} (h(s)^2 - noise) + tail, for t = 0 .. truncation_samples; energy, not dB; > 0,
  /// non-increasing.
  std::vector<double> energy;
  double tail = 0;      ///< energy of the exponential beyond the truncation (tail compensation)
  double range_db = 0;  ///< how far the curve falls above the noise: 10 log10(EDC(0) / EDC(truncation))
  double rate_hz = 0;
};

/// Lundeby's iteration on a squared response whose first sample is the onset.
///
///   1. smooth in blocks; noise from the last tenth; line from the peak to noise + 10 dB; their crossing
///   2. repeat: blocks of a fifth of the time for 10 dB; noise from crossing + 10 dB of decay on (at least the last
///   tenth), less what
///      the line still carries there; line through the 20 dB that start 6 dB above the noise; crossing
///
/// The second subtraction is what keeps a decay that runs to the end of its file from being read as noise.
///
/// Reads    response [T], onset at index 0, linear amplitude; centre_hz sets the first block (10 + 800 / centre_hz ms),
///          0 for broadband
/// Returns  NoiseFloor; found is false where no decay of at least 10 dB stands above the noise
/// Throws   ContractError unless rate_hz > 0
/// Source   Lundeby, Vigran, Bietz, Vorlaender, Uncertainties of measurements in room acoustics, Acustica 81 (1995)
NoiseFloor find_noise_floor(std::span<const double> response, double rate_hz, double centre_hz);

/// Backward integration with the noise subtracted, the truncation at the noise and the tail compensated.
///
/// Reads    response [T] as find_noise_floor; centre_hz as there
/// Returns  Decay; energy is empty where no decay was found
/// Source   Schroeder 1965; ISO 3382-1 5.3.3; Guski and Vorlaender 2014 (method "Chu and Lundeby with correction")
Decay measure_decay(std::span<const double> response, double rate_hz, double centre_hz);

/// Backward integration alone, for a response without noise: one that was computed. The curve ends at nine tenths of
/// the response, as what was cut off behind it bends its end (by 1.2 dB where it falls by 60), or 200 dB down.
///
/// Reads    response [T], onset at index 0
/// Returns  Decay without noise floor and tail; energy is empty where the response is silent or has no ten samples
/// Throws   ContractError unless rate_hz > 0
Decay integrate_decay(std::span<const double> response, double rate_hz);

/// 10 log10(EDC(t) / EDC(0)) at every `step`-th sample, down to the truncation. Empty where no decay was found.
std::vector<double> decay_curve_db(const Decay& decay, std::size_t step = 1);

/// EDC at any time; beyond the truncation the late exponential goes on. 0 where no decay was found.
double energy_after(const Decay& decay, double seconds);

/// Decay time from a stretch of the curve: least squares through [start_db, stop_db], extrapolated to 60 dB.
///
/// Returns  seconds; nothing where the range is below `needed_range_db`, the curve has fewer than 4 samples there or
/// does not fall
std::optional<double> decay_time_s(const Decay& decay, double start_db, double stop_db, double needed_range_db);

/// Ranges a decay must have above the noise before a figure is defined: the noise 10 dB below the end of the fit (ISO
/// 3382-1 5.3.3).
inline constexpr double kRangeForT30Db = 45;
inline constexpr double kRangeForT20Db = 35;
inline constexpr double kRangeForEdtDb = 20;
inline constexpr double kRangeForClarityDb = 15;

/// EDT fits from -0.1 dB, not 0: the curve is flat until the band filter's output arrives, and that stretch is no
/// decay.
std::optional<double> early_decay_time_s(const Decay& decay);
std::optional<double> t20_s(const Decay& decay);
std::optional<double> t30_s(const Decay& decay);

}  // namespace diffverb::acoustics
