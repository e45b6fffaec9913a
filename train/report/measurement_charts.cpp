#include "train/report/measurement_charts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/acoustics/decay.h"
#include "train/report/charts.h"
#include "train/report/html.h"
#include "train/report/run_data.h"

namespace diffverb::report {
namespace {

constexpr std::size_t kMostPoints = 800;
constexpr double kLowest_db = -120;

/// Values a step apart, the largest of each run where there are many.
Series over(const std::string& name, const std::string& style, const std::vector<double>& values, double step) {
  Series out{name, style, {}, {}};
  const std::size_t stride = (values.size() + kMostPoints - 1) / kMostPoints;
  for (std::size_t k = 0; k < values.size(); k += std::max<std::size_t>(1, stride)) {
    const auto last = std::min(values.size(), k + std::max<std::size_t>(1, stride));
    out.x.push_back(static_cast<double>(k) * step);
    out.y.push_back(*std::max_element(values.begin() + static_cast<std::ptrdiff_t>(k),
                                      values.begin() + static_cast<std::ptrdiff_t>(last)));
  }
  return out;
}

/// Two keys of a list of objects as a curve over the frequency.
Series curve(const nlohmann::json& list, const char* key, const std::string& name, const std::string& style) {
  Series out{name, style, {}, {}, list.size() < 12};
  for (const auto& point : list) {
    out.x.push_back(number_at(point, {"hz"}));
    out.y.push_back(number_at(point, {key}));
  }
  return out;
}

/// The y axis around all finite values and rules of a chart.
void fit_axis(Chart& chart, double lo, double hi) {
  const auto take = [&](double value) {
    if (!std::isfinite(value)) return;
    lo = std::min(lo, value);
    hi = std::max(hi, value);
  };
  for (const Series& series : chart.series) {
    for (const double value : series.y) take(value);
  }
  for (const Rule& rule : chart.rules) take(rule.y);
  chart.y.lo = lo - (lo == 0 ? 0 : 0.05 * (hi - lo));
  chart.y.hi = hi + 0.08 * (hi - lo);
}

Chart by_frequency(const std::string& title, const std::string& label, const std::string& unit,
                   std::vector<Series> series) {
  Chart out;
  out.title = title;
  double lo = 20000, hi = 20;
  for (const Series& one : series) {
    for (const double hz : one.x) {
      lo = std::min(lo, hz);
      hi = std::max(hi, hz);
    }
  }
  out.x = {"Frequency, Hz", lo / 1.19, std::max(hi, 2 * lo) * 1.19, true, true, "Hz"};
  out.y = {label, 0, 1, false, false, unit};
  out.series = std::move(series);
  return out;
}

Chart over_time(const std::string& title, const std::string& label, std::vector<Series> series) {
  Chart out;
  out.title = title;
  double end = 1e-3;
  for (const Series& one : series) end = std::max(end, one.x.empty() ? 0 : one.x.back());
  out.x = {"Time, s", 0, end, false, false, "s"};
  out.y = {label, 0, 1, false, false, "dB"};
  out.series = std::move(series);
  return out;
}

/// r0 to r7, in turn.
std::string style_of(std::size_t k) { return "r" + std::to_string(k % 8); }

Chart repetitions_chart(const MeasuredPictures& channel) {
  std::vector<Series> series;
  for (std::size_t r = 0; r < channel.pictures.differences_db.size(); ++r)
    series.push_back(over("repetition " + std::to_string(r + 1), style_of(r), channel.pictures.differences_db[r],
                          channel.pictures.difference_step_s));
  const char* title = series.empty() ? "Repetitions: there was one" : "Repetitions: difference from their mean";
  Chart out = over_time(title, "Energy over the mean's, dB", std::move(series));
  out.rules = {{"measure again", -20}};
  out.legend = true;
  fit_axis(out, -60, 0);
  return out;
}

}  // namespace

std::vector<Chart> response_charts(const MeasuredPictures& channel) {
  const double rate = channel.analysis.rate_hz, inr_db = number_at(channel.quality, {"inr_db"});
  double peak = 1e-12;
  for (const float value : channel.response) peak = std::max(peak, std::abs(static_cast<double>(value)));
  std::vector<double> level;
  for (const float value : channel.response)
    level.push_back(std::max(kLowest_db, 20 * std::log10(std::abs(static_cast<double>(value)) / peak + 1e-12)));
  Chart response = over_time("Response, and impulse over noise", "Level below the peak, dB",
                             {over("response", "fit", level, 1 / rate)});
  response.rules = {{"peak", 0}};
  if (std::isfinite(inr_db)) response.rules.push_back({"noise: " + number(-inr_db, 0) + " dB", -inr_db, true});
  fit_axis(response, -60, 0);
  std::vector<Series> curves;
  for (const auto& band : channel.analysis.octaves)
    curves.push_back(over(band_name(band.hz), style_of(curves.size()), band.curve_db, chart_options().curve_step_s));
  Chart decay = over_time("Decay curves of the octaves", "Energy still to come, dB", std::move(curves));
  decay.legend = true;
  fit_axis(decay, -60, 0);
  return {response, decay};
}

std::vector<Chart> range_charts(const MeasuredPictures& channel) {
  const auto& bands = channel.quality.at("bands");
  Chart snr = by_frequency("Signal-to-noise of one repetition", "Signal over noise, dB", "dB",
                           {curve(channel.quality.at("snr"), "db", "signal-to-noise", "fit")});
  snr.rules = {{"noise", 0}};
  fit_axis(snr, 0, 20);
  Chart range =
      by_frequency("Range of the decay", "Decay above the noise, dB", "dB", {curve(bands, "range_db", "range", "fit")});
  range.rules = {{"T20 needs 35 dB", acoustics::kRangeForT20Db}, {"T30 needs 45 dB", acoustics::kRangeForT30Db}};
  fit_axis(range, 0, 50);
  Chart times = by_frequency("Decay time as far as the range allows", "Decay time, s", "s",
                             {curve(bands, "t20_s", "T20", "target"), curve(bands, "t30_s", "T30", "fit")});
  times.legend = true;
  fit_axis(times, 0, 0.1);
  return {snr, range, times};
}

std::vector<Chart> recording_charts(const MeasuredPictures& channel) {
  const double peak_dbfs = number_at(channel.quality, {"peak_dbfs"});
  Chart level = over_time("Recording: " + number(-peak_dbfs, 1) + " dB of headroom", "Largest sample, dBFS",
                          {over("level", "fit", channel.pictures.levels_dbfs, channel.pictures.level_step_s)});
  level.rules = {{"full scale: clipping", 0}};
  fit_axis(level, -60, 0);
  const auto& hum = channel.quality.at("hum");
  Series noise = over("noise", "fit", channel.pictures.noise_dbfs, channel.pictures.hum_step_hz);
  Chart lines;
  lines.title = hum.is_null() ? "Hum: none found"
                              : "Hum: " + number(number_at(hum, {"base_hz"}), 2) + " Hz, " +
                                    number(number_at(hum, {"dbfs"}), 0) + " dBFS";
  lines.x = {"Frequency, Hz", 0, noise.x.empty() ? 420 : noise.x.back(), false, false, "Hz"};
  lines.y = {"Noise before the sweep, dBFS", -100, 0, false, false, "dB"};
  lines.series = {noise};
  if (!hum.is_null()) lines.series.push_back(curve(hum.at("lines"), "dbfs", "lines of the mains", "target"));
  for (Series& series : lines.series) {
    for (double& value : series.y) value = std::max(value, kLowest_db - 60);
  }
  fit_axis(lines, kLowest_db, kLowest_db + 20);  // of digital silence too
  const auto& thd = channel.quality.at("thd");
  Chart distortion = by_frequency(
      thd.is_null() ? "Distortion: only an exponential sweep tells it" : "Distortion, orders 2 to 5, noise included",
      "THD, %", "%", {curve(thd.is_null() ? nlohmann::json::array() : thd, "pct", "THD", "fit")});
  distortion.x = {"Frequency, Hz", 20, 20000, true, true, "Hz"};
  for (Series& series : distortion.series) {
    for (double& value : series.y) value = value > 0 ? std::max(value, 1e-4) : kNan;
  }
  fit_axis(distortion, 1e-3, 1);
  distortion.y.logarithmic = true;
  distortion.y.lo = 1e-3;
  return {level, lines, repetitions_chart(channel), distortion};
}

Chart drift_chart(const nlohmann::json& drift, double over_s) {
  const double ppm = number_at(drift, {"ppm"});
  Chart out;
  const bool known = std::isfinite(ppm) && over_s > 0;
  out.title = known ? "Clock drift: " + number(ppm, 2) + " ppm, from " + text_at(drift, "from")
                    : "Clock drift: not identifiable";
  out.x = {"Time, s", 0, over_s > 0 ? over_s : 1, false, false, "s"};
  out.y = {"Recorder behind the player, µs", -1, 1, false, false, "µs"};
  if (known) out.series = {{"drift", "fit", {0, over_s}, {0, ppm * over_s}, true}};
  out.rules = {{"no drift", 0}};
  fit_axis(out, -10, 10);
  return out;
}

}  // namespace diffverb::report
