#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::report {

/// What a measured room's page shows beside its figures.
struct MeasurementPictures {
  struct Channel {
    double level_step_s = 0;
    std::vector<double> levels_dbfs;  // of the recording
    double hum_step_hz = 0;
    std::vector<double> noise_dbfs;  // spectrum of the noise before the sweep, from 0 Hz on
    double difference_step_s = 0;
    std::vector<std::vector<double>> differences_db;  // of each repetition from the mean, over time
  };
  std::string recording;    // its name
  double drift_over_s = 0;  // the time between the two stretches that the drift is read from; 0: none
  std::vector<Channel> channels;
};

/// One HTML page on a measurement: whether to measure again and why, then a picture of each figure of its quality, by
/// channel: the response and its decay, signal-to-noise and range of the decay by octaves, impulse over noise, headroom,
/// hum, repetitions, drift, distortion.
///
/// Reads    quality: what quality_json() returns (datasets/measure/quality.h); response: its channels in the same order
/// Throws   DataError where the page cannot be written
void write_measurement_page(const nlohmann::json& quality, const Audio& response, const MeasurementPictures& pictures,
                            const std::filesystem::path& out_html);

}  // namespace diffverb::report
