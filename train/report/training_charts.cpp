#include "train/report/training_charts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/acoustics/comparison.h"
#include "train/report/charts.h"
#include "train/report/html.h"
#include "train/report/png.h"
#include "train/report/spectrogram.h"

namespace diffverb::report {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kMostPoints = 300;

/// Means over stretches of equal length, at their middles.
Series averaged(const std::string& name, const std::string& style, const std::vector<double>& x,
                const std::vector<double>& y) {
  Series out{name, style, {}, {}, false};
  const std::size_t stretch = std::max<std::size_t>(1, (x.size() + kMostPoints - 1) / kMostPoints);
  for (std::size_t begin = 0; begin < std::min(x.size(), y.size()); begin += stretch) {
    double sum_x = 0, sum_y = 0, count = 0;
    for (std::size_t k = begin; k < std::min({x.size(), y.size(), begin + stretch}); ++k) {
      if (!std::isfinite(y[k])) continue;
      sum_x += x[k];
      sum_y += y[k];
      ++count;
    }
    if (count == 0) continue;
    out.x.push_back(sum_x / count);
    out.y.push_back(sum_y / count);
  }
  return out;
}

/// Few points are marked: a validation every thousand steps is no curve.
Series validated(const std::string& name, const std::string& style, const std::vector<double>& x,
                 const std::vector<double>& y) {
  Series out = averaged(name, style, x, y);
  out.markers = out.x.size() <= 40;
  return out;
}

/// Axes around the curves; logarithmic where all is positive and spans a third of a decade.
Chart step_chart(const std::string& title, const std::string& label, std::vector<Series> series) {
  Chart chart;
  chart.title = title;
  chart.width = 400;
  chart.height = 270;
  double lo = kInfinity, hi = -kInfinity, last = 1;
  for (const Series& line : series) {
    for (std::size_t k = 0; k < line.x.size(); ++k) {
      if (!std::isfinite(line.y[k])) continue;
      lo = std::min(lo, line.y[k]);
      hi = std::max(hi, line.y[k]);
      last = std::max(last, line.x[k]);
    }
  }
  if (lo > hi) lo = 0, hi = 1;
  chart.x = {"Step", 0, 1.02 * last, false, false, ""};
  chart.y = value_axis(label, lo, hi, 2.2, 1.08);
  chart.series = std::move(series);
  return chart;
}

const std::vector<double>* term_of(const LossLog& log, const std::string& name) {
  for (const auto& [term, values] : log.terms) {
    if (term == name) return &values;
  }
  return nullptr;
}

bool any_finite(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

struct ErrorKind {
  const char* title;
  const char* label;
  const char* unit;
  double step;       // just noticeable
  double least_top;  // the axis reaches at least there
  bool is_signed;
  std::optional<double> Reconstruction::*value;
};

constexpr double kLeastSeconds = 0.05, kMostSeconds = 20;

Chart error_chart(const ErrorKind& kind, const std::vector<TrainingExample>& examples) {
  Chart chart;
  chart.title = kind.title;
  Series points{"examples", "r0", {}, {}, true, {}};
  double lo_s = kInfinity, hi_s = 0, top = kind.least_top;
  for (const TrainingExample& example : examples) {
    const auto& t20_s = example.sound.t20_s;
    const auto& error = example.sound.*kind.value;
    if (!t20_s || !error || !(*t20_s > 0)) continue;
    const double at = std::clamp(*t20_s, kLeastSeconds, kMostSeconds);
    lo_s = std::min(lo_s, at);
    hi_s = std::max(hi_s, at);
    top = std::max(top, std::abs(*error));
    for (const bool is_gap : {false, true}) {  // points, not a line through them
      points.x.push_back(is_gap ? std::numeric_limits<double>::quiet_NaN() : at);
      points.y.push_back(is_gap ? std::numeric_limits<double>::quiet_NaN() : *error);
      points.names.push_back(is_gap ? "" : example.name);
    }
  }
  if (lo_s > hi_s) lo_s = 0.3, hi_s = 3;
  chart.x = {"T20 of the target, 1 kHz octave, s", lo_s / 1.25, hi_s * 1.25, true, false, "s"};
  chart.y = {kind.label, kind.is_signed ? -1.08 * top : 0, 1.08 * top, false, false, kind.unit};
  if (kind.is_signed) {
    chart.shades = {{"just noticeable", {chart.x.lo, chart.x.hi}, {-kind.step, -kind.step}, {kind.step, kind.step}}};
    chart.rules = {{"", 0, false}};
  } else {
    chart.rules = {{"another throw of the same noise", kind.step, false}};
  }
  chart.series = {std::move(points)};
  return chart;
}

}  // namespace

Chart learning_chart(const TrainingRun& run) {
  std::vector<Series> lines = {averaged("training", "target", run.losses.step, run.losses.total)};
  if (!run.validation.step.empty())
    lines.push_back(validated("validation", "fit", run.validation.step, run.validation.total));
  Chart chart = step_chart("Sum of the losses", "Loss", std::move(lines));
  chart.width = 1200;
  chart.height = 380;
  return chart;
}

std::vector<Chart> term_charts(const TrainingRun& run) {
  std::vector<Chart> out;
  for (const auto& [name, values] : run.losses.terms) {
    std::vector<Series> lines = {averaged("training", "target", run.losses.step, values)};
    if (const auto* seen = term_of(run.validation, name))
      lines.push_back(validated("validation", "fit", run.validation.step, *seen));
    out.push_back(step_chart(name, name, std::move(lines)));
  }
  if (any_finite(run.losses.rate))
    out.push_back(step_chart("Learning rate", "Rate", {averaged("rate", "r0", run.losses.step, run.losses.rate)}));
  if (any_finite(run.losses.gradient_norm))
    out.push_back(step_chart("Norm of the gradient", "Norm",
                             {averaged("norm", "r0", run.losses.step, run.losses.gradient_norm)}));
  return out;
}

std::vector<Chart> error_charts(const std::vector<TrainingExample>& examples) {
  const ErrorKind kKinds[] = {
      {"Reverberation time", "Error of T20, %", "%", acoustics::kJndTPct, 10, true, &Reconstruction::t20_1k_error_pct},
      {"Early decay time", "Error of EDT, %", "%", acoustics::kJndEdtPct, 10, true, &Reconstruction::edt_1k_error_pct},
      {"Clarity", "Error of C80, dB", "dB", acoustics::kJndC80Db, 2, true, &Reconstruction::c80_1k_error_db},
      {"Smoothed spectral distance", "Distance, dB", "dB", 1.7, 4, false, &Reconstruction::lsd_smoothed_db}};
  std::vector<Chart> out;
  for (const ErrorKind& kind : kKinds) {
    Chart chart = error_chart(kind, examples);
    if (!chart.series[0].x.empty()) out.push_back(std::move(chart));
  }
  return out;
}

std::vector<Chart> network_charts(const NetworkPictures& p) {
  std::vector<Chart> out;
  const auto add = [&](const std::string& title, const std::vector<std::uint8_t>& bytes, bool is_difference) {
    Chart chart;
    chart.title = title;
    chart.width = 400;
    chart.height = 270;
    chart.x = {"Time, s", 0, p.seconds, false, false, "s"};
    chart.y = {"Frequency, Hz", 0, p.hi_hz, false, false, "Hz"};
    chart.picture_png = base64(encode_png(bytes, p.columns, p.rows, is_difference ? blue_red() : viridis()));
    chart.picture_name = title;
    chart.picture_range_db = is_difference ? kDifferenceRange_db : p.span_db;
    chart.picture_signed = is_difference;
    out.push_back(std::move(chart));
  };
  const auto bytes_of = [](const std::vector<float>& values) {
    std::vector<std::uint8_t> bytes;
    for (const float value : values)
      bytes.push_back(static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0f, 1.0f))));
    return bytes;
  };
  std::vector<float> difference(p.input.size());
  for (std::size_t i = 0; i < difference.size(); ++i)
    difference[i] =
        static_cast<float>(p.span_db) * (std::clamp(p.output[i], 0.0f, 1.0f) - std::clamp(p.input[i], 0.0f, 1.0f));
  add("Network's input", bytes_of(p.input), false);
  add("Network's output", bytes_of(p.output), false);
  add("Output over input", quantise_signed(difference, kDifferenceRange_db), true);
  return out;
}

std::vector<Chart> overlaid_charts(const std::vector<TrainingRun>& runs) {
  const auto style = [](std::size_t r) { return "r" + std::to_string(r % 8); };
  std::vector<Series> totals, trained;
  std::vector<std::pair<std::string, std::vector<Series>>> terms;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const LossLog& seen = runs[r].validation;
    if (!runs[r].losses.step.empty())
      trained.push_back(averaged(runs[r].name, style(r), runs[r].losses.step, runs[r].losses.total));
    if (seen.step.empty()) continue;
    totals.push_back(validated(runs[r].name, style(r), seen.step, seen.total));
    for (const auto& [name, values] : seen.terms) {
      auto at = std::find_if(terms.begin(), terms.end(), [&, term = name](const auto& t) { return t.first == term; });
      if (at == terms.end()) at = terms.insert(terms.end(), {name, {}});
      at->second.push_back(validated(runs[r].name, style(r), seen.step, values));
    }
  }
  std::vector<Chart> out;
  if (!trained.empty()) out.push_back(step_chart("Training: sum of the losses", "Loss", std::move(trained)));
  if (!totals.empty()) out.push_back(step_chart("Validation: sum of the losses", "Loss", std::move(totals)));
  for (auto& [name, lines] : terms) {
    if (lines.size() > 1) out.push_back(step_chart("Validation: " + name, name, std::move(lines)));
  }
  return out;
}

}  // namespace diffverb::report
