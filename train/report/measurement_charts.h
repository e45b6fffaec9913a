#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/acoustics/analysis.h"
#include "train/report/chart.h"
#include "train/report/measurement_page.h"

namespace diffverb::report {

/// One channel of a measurement.
struct MeasuredPictures {
  const nlohmann::json& quality;  // its entry in "channels"
  const std::vector<float>& response;
  const acoustics::ChannelResult& analysis;  // with chart_options()
  const MeasurementPictures::Channel& pictures;
};

/// The response in dB over time, its peak and noise ruled: impulse over noise; then the decay curves of the octaves.
std::vector<Chart> response_charts(const MeasuredPictures& channel);

/// By octaves: signal-to-noise of the recording, range of the decay with what T20 and T30 need, the times themselves.
std::vector<Chart> range_charts(const MeasuredPictures& channel);

/// The recording's level with full scale ruled, the noise's spectrum with hum named, repetitions, distortion.
std::vector<Chart> recording_charts(const MeasuredPictures& channel);

/// How late the recorder's clock had become at the end.
Chart drift_chart(const nlohmann::json& drift, double over_s);

}  // namespace diffverb::report
