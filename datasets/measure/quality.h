#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/analysis.h"
#include "datasets/measure/deconvolution.h"

namespace diffverb {

/// How good one channel's response is. A figure that cannot be told is empty.
struct ChannelQuality {
  acoustics::ChannelResult analysis;     // of the response: range above the noise, T20 and T30 by octaves
  std::optional<double> inr_db;          // the response's peak over the root mean square of its noise
  std::optional<double> gain_spread_db;  // between repetitions
};

/// Whether to measure again, and why.
struct MeasurementQuality {
  std::vector<ChannelQuality> channels;
  std::vector<std::string> reasons;  // to measure again; none: good
  std::vector<std::string> notes;    // what happened and was mended, what nobody could tell
  std::vector<std::string> limits;   // what a deconvolution of this kind cannot give
};

/// A measurement is to be repeated where in the octaves 500 Hz to 2 kHz the decay has no 35 dB of range (T20 needs them,
/// ISO 3382-1), where the level changed by half a decibel between pilots or repetitions, or repetitions differ by more
/// than -20 dB, or where what happened once has a tenth of the noise's energy; frames that were left out are no reason.
MeasurementQuality judge(const Measurement& measurement, const Sweep& sweep);

/// {"verdict": "good"|"measure again", "reasons", "notes", "limits", "drift": {"ppm", "from"}, "delay_s", "flight_s",
///  "channels": [{"channel", "inr_db", "snr", "bands", "peak_dbfs", "hum", "repetitions",
///   "left_out", "disturbances", "thd"}]}
nlohmann::json quality_json(const Measurement& measurement, const MeasurementQuality& quality);

}  // namespace diffverb
