#include "train/report/charts.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <limits>

#include "core/acoustics/comparison.h"
#include "train/report/html.h"
#include "train/report/png.h"
#include "train/report/spectrogram.h"

namespace diffverb::report {
namespace {

constexpr double kSpectrogramRange_db = 80;
constexpr double kEchoDensityEnd_s = 0.6;

using BandValue = std::function<double(const acoustics::BandResult& band, const acoustics::BandResult& target,
                                       const acoustics::BandResult& fit)>;

void stretch(double& lo, double& hi, const std::vector<double>& values) {
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    lo = std::min(lo, value);
    hi = std::max(hi, value);
  }
}

Axis frequency_axis(const std::vector<acoustics::BandResult>& bands) {
  const double lo = bands.empty() ? 63 : bands.front().hz, hi = bands.empty() ? 16000 : bands.back().hz;
  return {"Frequency, Hz", lo / 1.19, std::max(hi, 2 * lo) * 1.19, true, true, "Hz"};
}

/// Values over the bands of target and fit; `margin` gives the just-noticeable step around a value of the target.
Chart band_chart(const std::string& title, const Axis& y, const std::vector<acoustics::BandResult>& target,
                 const std::vector<acoustics::BandResult>& fit, const BandValue& value,
                 const std::function<double(double)>& margin, const std::string& margin_name) {
  Chart chart;
  chart.title = title;
  chart.x = frequency_axis(target);
  chart.y = y;
  const bool few = target.size() < 12;
  Series target_line{"target", "target", {}, {}, few}, fit_line{"fit", "fit", {}, {}, few};
  Shade shade{margin_name, {}, {}, {}};
  for (std::size_t k = 0; k < std::min(target.size(), fit.size()); ++k) {
    const double wanted = value(target[k], target[k], fit[k]);
    for (Series* line : {&target_line, &fit_line}) line->x.push_back(target[k].hz);
    target_line.y.push_back(wanted);
    fit_line.y.push_back(value(fit[k], target[k], fit[k]));
    shade.x.push_back(target[k].hz);
    shade.lo.push_back(wanted - margin(wanted));
    shade.hi.push_back(wanted + margin(wanted));
  }
  double lo = std::numeric_limits<double>::infinity(), hi = -lo;
  for (const auto* values : {&target_line.y, &fit_line.y, &shade.lo, &shade.hi}) stretch(lo, hi, *values);
  if (lo > hi) lo = 0, hi = 1;
  const double room = std::max(0.06 * (hi - lo), 1e-3);
  chart.y.lo = y.lo == 0 ? 0 : lo - room;
  chart.y.hi = hi + room;
  chart.shades = {shade};
  chart.series = {target_line, fit_line};
  return chart;
}

Chart time_chart(const std::string& title, const std::string& label, const std::vector<acoustics::BandResult>& target,
                 const std::vector<acoustics::BandResult>& fit, const BandValue& value) {
  Axis y{label, 0, 1, false, false, "s"};
  return band_chart(
      title, y, target, fit, value, [](double wanted) { return acoustics::kJndTPct / 100 * wanted; }, "target ± 5 %");
}

Chart decibel_chart(const std::string& title, const std::string& label,
                    const std::vector<acoustics::BandResult>& target, const std::vector<acoustics::BandResult>& fit,
                    const BandValue& value) {
  Axis y{label, -1, 1, false, false, "dB"};
  return band_chart(
      title, y, target, fit, value, [](double) { return acoustics::kJndC80Db; }, "target ± 1 dB");
}

/// A decay curve against time, at most about 250 points.
Series curve_of(const std::string& name, const std::string& style, const acoustics::BandResult& band, double rate_hz) {
  const double step_s = std::round(chart_options().curve_step_s * rate_hz) / rate_hz;
  const std::size_t stride = std::max<std::size_t>(1, band.curve_db.size() / 250);
  Series out{name, style, {}, {}, false};
  for (std::size_t k = 0; k < band.curve_db.size(); k += stride) {
    out.x.push_back(static_cast<double>(k) * step_s);
    out.y.push_back(band.curve_db[k]);
  }
  return out;
}

Chart decay_chart(const acoustics::BandResult& target, const acoustics::BandResult& fit, double rate_hz,
                  const std::string& name) {
  Chart chart;
  chart.title = band_name(target.hz) + (target.curve_db.empty() ? ": no decay found in the target" : "");
  chart.width = 400;
  chart.height = 270;
  const bool decays = !target.curve_db.empty();
  const double floor_db = decays ? -target.range_db : kNan;
  const double lowest_db = decays ? std::clamp(10 * std::floor(floor_db / 10 - 0.8), -80.0, -30.0) : -70;
  chart.y = {"Energy still to come, dB", lowest_db, 2, false, false, "dB"};
  chart.series = {curve_of("target", "target", target, rate_hz), curve_of(name, "fit", fit, rate_hz)};
  double ends_s[2] = {0, 0};  // of the target, of the fit
  for (std::size_t which = 0; which < 2; ++which) {
    const Series& line = chart.series[which];
    for (std::size_t k = 0; k < line.x.size(); ++k) {
      if (line.y[k] >= lowest_db) ends_s[which] = line.x[k];
    }
  }
  // Past the target's noise there is nothing to compare with.
  const double end_s = ends_s[0] > 0 ? std::min(std::max(ends_s[0], ends_s[1]), 1.25 * ends_s[0]) : ends_s[1];
  chart.x = {"Time, s", 0, end_s > 0 ? end_s : 1, false, false, "s"};
  if (target.noise_floor_db) chart.rules = {{"noise floor of the target", floor_db, true}};
  return chart;
}

/// Every `stride`-th value where there are more than `most` of them, the last one kept.
LossLog thin(const LossLog& losses, std::size_t most) {
  const std::size_t stride = std::max<std::size_t>(1, losses.step.size() / most);
  const auto pick = [&](const std::vector<double>& all) {
    std::vector<double> out;
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (k % stride == 0 || k + 1 == all.size()) out.push_back(all[k]);
    }
    return out;
  };
  LossLog out{pick(losses.step), pick(losses.total), pick(losses.rate), pick(losses.gradient_norm), {}};
  for (const auto& [name, values] : losses.terms) out.terms.emplace_back(name, pick(values));
  return out;
}

Chart loss_chart(const std::string& title, std::vector<Series> series) {
  Chart chart;
  chart.title = title;
  double lo = std::numeric_limits<double>::infinity(), hi = -lo, last = 1;
  for (const Series& line : series) {
    stretch(lo, hi, line.y);
    for (const double step : line.x) last = std::max(last, step);
  }
  if (lo > hi) lo = 0, hi = 1;
  chart.x = {"Step", 0, last, false, false, ""};
  chart.y = value_axis("Loss", lo, hi, 1.02, 1.12);
  chart.series = std::move(series);
  return chart;
}

}  // namespace

Axis value_axis(const std::string& label, double lo, double hi, double least_ratio, double margin) {
  if (lo > 0 && hi > least_ratio * lo) return {label, lo / margin, hi * margin, true, false, ""};
  const double room = std::max({0.06 * (hi - lo), 0.01 * std::abs(hi), 1e-9});
  return {label, lo - room, hi + room, false, false, ""};
}

acoustics::AnalysisOptions chart_options() {
  acoustics::AnalysisOptions options;
  options.thirds = true;
  options.keep_curves = true;
  return options;
}

double reverberation_time_s(const acoustics::BandResult& band, const acoustics::BandResult& target,
                            const acoustics::BandResult& fit) {
  return (target.t30_s && fit.t30_s ? band.t30_s : band.t20_s).value_or(kNan);
}

std::string band_name(double hz) { return hz >= 1000 ? hertz(hz / 1000) + " kHz" : hertz(hz) + " Hz"; }

std::vector<Chart> decay_charts(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit,
                                const std::string& name) {
  std::vector<Chart> out;
  for (std::size_t k = 0; k < std::min(target.octaves.size(), fit.octaves.size()); ++k) {
    out.push_back(decay_chart(target.octaves[k], fit.octaves[k], target.rate_hz, name));
  }
  return out;
}

std::vector<Chart> frequency_charts(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit) {
  const BandValue edt = [](const acoustics::BandResult& band, const auto&, const auto&) {
    return band.edt_s.value_or(kNan);
  };
  const BandValue c80 = [](const acoustics::BandResult& band, const auto&, const auto&) {
    return band.c80_db.value_or(kNan);
  };
  return {time_chart("Reverberation time, octaves", "T, s", target.octaves, fit.octaves, reverberation_time_s),
          time_chart("Reverberation time, third octaves", "T, s", target.thirds, fit.thirds, reverberation_time_s),
          time_chart("Early decay time, octaves", "EDT, s", target.octaves, fit.octaves, edt),
          time_chart("Early decay time, third octaves", "EDT, s", target.thirds, fit.thirds, edt),
          decibel_chart("Clarity, octaves", "C80, dB", target.octaves, fit.octaves, c80),
          decibel_chart("Clarity, third octaves", "C80, dB", target.thirds, fit.thirds, c80)};
}

std::vector<Chart> level_charts(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit) {
  double loudest = -std::numeric_limits<double>::infinity();
  for (const acoustics::BandResult& band : target.octaves) {
    if (std::isfinite(band.level_db)) loudest = std::max(loudest, band.level_db);
  }
  const BandValue level = [loudest](const acoustics::BandResult& band, const auto&, const auto&) {
    return band.level_db - loudest;
  };
  const std::string label = "Level, dB";
  return {decibel_chart("Level, octaves", label, target.octaves, fit.octaves, level),
          decibel_chart("Level, third octaves", label, target.thirds, fit.thirds, level)};
}

Chart echo_density_chart(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit) {
  Chart chart;
  chart.title = "Echo density";
  chart.width = 820;
  chart.height = 320;
  double end_s = 0.05;
  for (const auto& [name, channel] : {std::pair{"target", &target}, std::pair{"fit", &fit}}) {
    Series line{name, name, {}, channel->density.profile, false};
    for (std::size_t k = 0; k < line.y.size(); ++k) {
      line.x.push_back(static_cast<double>(k) * acoustics::EchoDensity::step_s);
    }
    if (!line.x.empty()) end_s = std::max(end_s, std::min(line.x.back(), kEchoDensityEnd_s));
    chart.series.push_back(std::move(line));
  }
  chart.x = {"Time after the onset, s", 0, end_s, false, false, "s"};
  chart.y = {"Echo density", 0, 1.4, false, false, ""};
  chart.rules = {{"diffuse", 1, false}};
  return chart;
}

std::vector<Chart> loss_charts(const LossLog& losses) {
  const LossLog log = thin(losses, 400);
  std::vector<Chart> out = {loss_chart("Total loss", {{"total", "r0", log.step, log.total, false}})};
  std::vector<Series> terms;
  for (const auto& [name, values] : log.terms) {
    terms.push_back({name, "r" + std::to_string(terms.size() % 8), log.step, values, false});
  }
  if (terms.size() > 1) out.push_back(loss_chart("Terms of the loss", std::move(terms)));
  return out;
}

std::vector<Chart> spectrogram_charts(const std::vector<float>& target, const std::vector<float>& fit, double rate_hz,
                                      const SpectrogramStyle& style) {
  const double seconds = static_cast<double>(std::max(target.size(), fit.size())) / rate_hz;
  const double hi_hz = std::min(20000.0, rate_hz / 2), lo_hz = 50;
  const auto transform = [&](const std::vector<float>& signal) {
    return log_spectrogram(signal, rate_hz, seconds, lo_hz, hi_hz, style.rows, style.columns);
  };
  const Spectrogram pictures[] = {transform(target), transform(fit)};
  const float largest = *std::max_element(pictures[0].power.begin(), pictures[0].power.end());
  const double top = largest > 0 ? static_cast<double>(largest) : 1;
  std::vector<Chart> out;
  const auto add = [&](const std::string& name, const std::vector<std::uint8_t>& bytes, bool is_difference) {
    Chart chart;
    chart.title = name;
    chart.title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    chart.x = {"Time, s", 0, seconds, false, false, "s"};
    chart.y = {"Frequency, Hz", lo_hz, hi_hz, true, true, "Hz"};
    chart.picture_png = base64(encode_png(bytes, style.columns, style.rows, is_difference ? blue_red() : viridis()));
    chart.picture_name = name;
    chart.picture_range_db = is_difference ? kDifferenceRange_db : kSpectrogramRange_db;
    chart.picture_signed = is_difference;
    out.push_back(std::move(chart));
  };
  add("target", quantise(pictures[0], top, kSpectrogramRange_db), false);
  add(style.name, quantise(pictures[1], top, kSpectrogramRange_db), false);
  if (style.difference)
    add("difference",
        quantise_signed(difference_db(pictures[0], pictures[1], top, kSpectrogramRange_db), kDifferenceRange_db), true);
  return out;
}

}  // namespace diffverb::report
