#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/acoustics/binaural.h"
#include "core/acoustics/decay.h"
#include "core/acoustics/echo_density.h"
#include "core/acoustics/filters.h"
#include "core/acoustics/preparation.h"
#include "core/acoustics/two_slopes.h"
#include "core/audio_file.h"

namespace diffverb::acoustics {

struct AnalysisOptions {
  double octaves_from_hz = 63;
  double octaves_to_hz = 16000;
  bool thirds = false;
  double thirds_from_hz = 100;
  double thirds_to_hz = 10000;
  bool two_slopes = false;   ///< also look for two slopes in each octave
  bool keep_curves = false;  ///< also keep each band's decay curve
  double curve_step_s = 0.002;
  bool without_noise = false;  ///< the response was computed: no noise floor is looked for (integrate_decay)
};

/// The figures of one band, ISO 3382-1. A figure that the band's range above the noise does not support is empty, never
/// a number.
///
/// Times count from the band's own start: the onset plus the band filter's group delay at its centre, as ISO 3382-1
/// asks for (the 125 Hz octave filter delays by 7 ms, its third-octave filters by 20 ms).
struct BandResult {
  double hz = 0;  ///< nominal centre; 0 for broadband
  std::optional<double> edt_s, t20_s, t30_s;
  std::optional<double> c50_db, c80_db;  ///< 10 log10(energy before / after 50, 80 ms)
  std::optional<double> d50;             ///< energy before 50 ms over all energy, 0..1
  std::optional<double> ts_s;            ///< centre time
  double level_db = 0;                   ///< energy of the band without its noise, 10 log10(sum h^2)
  std::optional<double> noise_floor_db;  ///< mean square of the noise per sample, 10 log10; empty where none was found
  double range_db = 0;                   ///< depth of the decay curve above the noise
  double truncation_s = 0;               ///< where decay and noise are equally strong, after the onset
  double late_t60_s = 0;                 ///< decay time of the last 20 dB above the noise; 0 where no decay was found
  TwoSlopes two_slopes;                  ///< where asked for
  std::vector<double> curve_db;  ///< where asked for: EDC every curve_step_s, 0 dB at the onset, down to the truncation

  /// The reverberation time that comparisons use: T30 where the range is 45 dB, else T20, else nothing.
  std::optional<double> t_s() const { return t30_s ? t30_s : t20_s; }
};

struct ChannelResult {
  Extent extent;
  double rate_hz = 0;
  double onset_s = 0;
  BandResult broadband;
  std::optional<double> mixing_time_s;
  std::optional<double> echo_density;  ///< mean after the mixing time (or after 80 ms), up to the noise
  EchoDensity density;
  std::optional<double> drr_db;  ///< energy of the first 2.5 ms over the rest
  std::vector<BandResult> octaves;
  std::vector<BandResult> thirds;
  /// Where the noise begins, after the onset: the median of the octaves' truncations; the whole length where no octave
  /// decays.
  double clean_s = 0;
  std::optional<std::string>
      no_decay;  ///< why this is no impulse response (check_decay, validate.h); nothing where it is one
};

struct FileResult {
  double rate_hz = 0;
  std::vector<ChannelResult> channels;
  std::optional<Iacc> iacc;  ///< two channels only
};

/// Everything about one channel. Reads [T] linear amplitude; throws ContractError on an empty channel or rate_hz <= 0.
ChannelResult analyze_channel(std::span<const double> channel, double rate_hz, const AnalysisOptions& options = {});

/// Every channel of a file, each from its own onset, on as many threads as there are channels (two at most).
FileResult analyze(const Audio& audio, const AnalysisOptions& options = {});

/// The figures of one band-filtered stretch whose first sample is the onset. delay_s is the filter's delay.
BandResult measure_band(std::span<const double> filtered, double rate_hz, double hz, double delay_s,
                        const AnalysisOptions& options);

/// {"file", "rate_hz", "channels": [{"onset_s", "noise_floor_db", "mixing_time_s", ..., "bands": [...]}]}: null where
/// undefined.
nlohmann::json to_json(const FileResult& result, const std::string& file);
nlohmann::json to_json(const BandResult& band);

/// A channel as doubles.
std::vector<double> to_double(std::span<const float> channel);

}  // namespace diffverb::acoustics
