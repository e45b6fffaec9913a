#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/audio_file.h"

namespace diffverb::acoustics {

struct ComparisonOptions {
  double early_ms = 80;      ///< length of the early part: late modes, echo density and late coherence look behind it
  bool keep_curves = false;  ///< keep each octave's decay curve in the two analyses
  bool two_slopes = false;
};

/// Errors of one band, other against target: relative ones 100 (other / target - 1), others other - target.
///
/// The reverberation time is T30 where the target's band has 45 dB of range, else T20; where the other lacks it, both
/// use T20. A value is empty where either side is undefined; level where the target's band has less than 15 dB of
/// range.
struct BandErrors {
  double hz = 0;
  std::optional<double> t_error_pct, edt_error_pct, c80_error_db, d50_error, level_error_db;
};

/// Median or largest of the magnitudes of the bands' errors.
struct ErrorSummary {
  std::optional<double> t_error_pct, edt_error_pct, c80_error_db, d50_error, level_error_db;
};

/// The same figures for one channel or for all of them.
///
/// All channels together: a band's error is that of the channel where it is largest; median and worst run over the
/// bands of all channels; level_shape_db is taken over the bands of all channels, so that a wrong balance counts;
/// level_offset_db compares the sums of the channels' energies; late modes, echo density, LSD and EDC errors are means
/// over the channels.
struct ComparisonFigures {
  std::vector<BandErrors> octaves, thirds;  ///< 125 Hz to 8 kHz
  ErrorSummary median, worst, thirds_median, thirds_worst;
  std::optional<double> level_shape_db;   ///< root mean square of the octaves' level errors less their mean
  std::optional<double> level_offset_db;  ///< broadband energy, noise taken off
  std::optional<double> late_modes_pct, late_modes_target_pct;  ///< late_modes.h, from early_ms to the target's noise
  std::optional<double> echo_density, echo_density_target;      ///< mean over the same stretch
  std::optional<double> lsd_db, lsd_smoothed_db;                ///< spectrogram_distance.h
  /// Mean |difference of the decay curves| over octaves and time, from the onset until the target's has fallen 60 dB or
  /// is 5 dB above the end of its range.
  std::optional<double> edc_mae_db;
};

struct Comparison {
  ComparisonFigures all;
  std::vector<ComparisonFigures> channels;
  FileResult target, other;  ///< both analyses, at the target's rate
  double early_ms = 0;
  /// Mean over third octaves and pairs of channels of | |gamma_target| - |gamma_other| | (binaural.h); empty for one
  /// channel.
  std::optional<double> coherence_error;
  std::optional<double> coherence_error_late;  ///< of the stretch after early_ms only
  std::optional<double> correlation_error;     ///< of Re gamma in place of |gamma|
};

/// Everything that tells how near one response comes to another.
///
/// Both are aligned at their onsets (channel by channel for decays, at the earliest channel for coherence). The
/// target's noise is not asked of the other: decays are compared above it only. An other of another rate is resampled
/// to the target's.
///
/// Throws   DataError on different numbers of channels; ContractError on fewer than 64 samples
Comparison compare(const Audio& target, const Audio& other, const ComparisonOptions& options = {});

/// Just noticeable differences, in the units of the errors (ISO 3382-1 Table A.1; 5 % for T by convention).
inline constexpr double kJndTPct = 5;
inline constexpr double kJndEdtPct = 5;
inline constexpr double kJndC80Db = 1;
inline constexpr double kJndD50 = 0.05;

/// The keys of `diffverb compare --json`; median errors in just noticeable units under "jnd"; null where undefined.
nlohmann::json to_json(const Comparison& comparison, const std::string& target, const std::string& other);

}  // namespace diffverb::acoustics
