#include "train/autoencoder/stereo_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/acoustics/analysis.h"
#include "core/acoustics/binaural.h"
#include "core/acoustics/filters.h"
#include "core/acoustics/json_value.h"
#include "core/error.h"
#include "core/printed.h"
#include "runtime/stereo_width.h"

namespace diffverb {
namespace {

constexpr double kLateSeconds = 0.08, kLateRangeDb = 50, kShortestSeconds = 0.02;
constexpr double kLeastBandTimes = 8;  // bandwidth times duration: fewer independent samples say nothing

/// Mean over stretches of the correlation at lag 0.
std::optional<double> late_coherence(const std::vector<double>& left, const std::vector<double>& right, double rate_hz,
                                     double bandwidth_hz) {
  const auto length = static_cast<std::size_t>(std::max(kShortestSeconds, kLeastBandTimes / bandwidth_hz) * rate_hz);
  double sum = 0, loudest = 0;
  int count = 0;
  for (auto begin = static_cast<std::size_t>(kLateSeconds * rate_hz); begin + length <= left.size(); begin += length) {
    double product = 0, l = 0, r = 0;
    for (std::size_t n = begin; n < begin + length; ++n) {
      product += left[n] * right[n];
      l += left[n] * left[n];
      r += right[n] * right[n];
    }
    loudest = std::max(loudest, std::min(l, r));
    if (!(std::min(l, r) > loudest * std::pow(10.0, -kLateRangeDb / 10))) break;
    sum += product / std::sqrt(l * r);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

double mean_diffuse_coherence(const acoustics::Band& band, double width) {
  constexpr int kSteps = 64;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i)
    sum += runtime::diffuse_coherence(band.low_hz + (band.high_hz - band.low_hz) * (i + 0.5) / kSteps, width);
  return sum / kSteps;
}

std::string number(const std::optional<double>& value) { return right_aligned(printed_or_dash("%.2f", value), 6); }

}  // namespace

StereoReport measure_stereo(const Audio& pair, double width) {
  if (pair.channels.size() != 2)
    throw ContractError("measure_stereo: expected 2 channels, got " + std::to_string(pair.channels.size()));
  const std::vector<double> left = acoustics::to_double(pair.channels[0]),
                            right = acoustics::to_double(pair.channels[1]);
  StereoReport report;
  const acoustics::Iacc iacc = acoustics::measure_iacc(left, right, pair.rate_hz);
  report.iacc_early = iacc.early_e3;
  report.iacc_late = iacc.late_l3;
  double energies[2] = {0, 0};
  for (const double x : left) energies[0] += x * x;
  for (const double x : right) energies[1] += x * x;
  if (energies[0] > 0 && energies[1] > 0) report.level_difference_db = 10 * std::log10(energies[0] / energies[1]);
  for (const auto& band : acoustics::make_bands(acoustics::BandWidth::kOctave, pair.rate_hz, 63, 8000)) {
    const acoustics::Sections filter = acoustics::band_filter(band, pair.rate_hz);
    report.octaves.push_back(
        {band.nominal_hz,
         late_coherence(acoustics::apply_filter(filter, left), acoustics::apply_filter(filter, right), pair.rate_hz,
                        band.high_hz - band.low_hz),
         mean_diffuse_coherence(band, width)});
  }
  return report;
}

nlohmann::json to_json(const StereoReport& report) {
  nlohmann::json out{{"iacc_early", acoustics::json_value(report.iacc_early)},
                     {"iacc_late", acoustics::json_value(report.iacc_late)},
                     {"level_difference_db", report.level_difference_db},
                     {"bands", nlohmann::json::array()}};
  for (const StereoReport::Band& band : report.octaves)
    out["bands"].push_back(
        {{"hz", band.hz}, {"coherence", acoustics::json_value(band.coherence)}, {"diffuse_field", band.diffuse_field}});
  return out;
}

std::string stereo_table(const StereoReport& report) {
  std::string hz = "octave, Hz            ", measured = "coherence after 80 ms ", expected = "of a diffuse field    ";
  for (const StereoReport::Band& band : report.octaves) {
    hz += " " + right_aligned(printed("%.0f", band.hz), 6);
    measured += " " + number(band.coherence);
    expected += " " + number(band.diffuse_field);
  }
  return hz + "\n" + measured + "\n" + expected + "\nIACC, 500 to 2000 Hz: early " + number(report.iacc_early) +
         ", late " + number(report.iacc_late) + "; left over right " + printed("%+.1f", report.level_difference_db) +
         " dB\n";
}

}  // namespace diffverb
