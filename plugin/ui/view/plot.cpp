#include "plugin/ui/view/plot.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace diffverb::ui {
namespace {

constexpr double kStep = ResponsePicture::kStepSeconds;
constexpr double kShortestAxis = 0.05, kLongestAxis = 50;

// Seconds until a band has fallen by 60 dB: measured, or by its decay time where the curve ends before.
double fall_s(const BandDecay& band) {
  const auto below = std::find_if(band.level_db.begin(), band.level_db.end(), [](float db) { return db <= -60; });
  const double measured = static_cast<double>(below - band.level_db.begin()) * kStep;
  return below == band.level_db.end() && band.t60_s ? std::max(measured, *band.t60_s) : measured;
}

/// Ends of axes within a decade, and how far their ticks lie apart.
struct Scale {
  double end, step;
};
constexpr Scale kScales[] = {{1, 0.2}, {1.5, 0.5}, {2, 0.5}, {3, 1}, {4, 1}, {5, 1}, {8, 2}, {10, 2}};

// The shortest that is not shorter than `seconds`, and its decade.
std::pair<Scale, double> scale_for(double seconds) {
  const double decade = std::pow(10.0, std::floor(std::log10(seconds * 1.0001)));
  for (const Scale& scale : kScales)
    if (seconds <= scale.end * decade * 1.0001) return {scale, decade};
  return {kScales[0], 10 * decade};
}

// All ticks of an axis in one unit.
std::string tick_text(double seconds, double end_s) {
  if (end_s < 0.95) return std::to_string(std::lround(seconds * 1000)) + " ms";
  const long tenths = std::lround(seconds * 10);
  return std::to_string(tenths / 10) + (end_s < 2.9 ? "." + std::to_string(tenths % 10) : "") + " s";
}

}  // namespace

float Plot::y(float db) const { return box.y + box.h * std::clamp(db / lowest_db, 0.f, 1.f); }

double axis_end_s(const ResponsePicture& picture) {
  double longest = fall_s(picture.all);
  for (const BandDecay& band : picture.bands) longest = std::max(longest, fall_s(band));
  const auto [scale, decade] = scale_for(std::clamp(longest, kShortestAxis, kLongestAxis));
  return scale.end * decade;
}

std::vector<Tick> time_ticks(double end_s) {
  const auto [scale, decade] = scale_for(end_s);
  std::vector<Tick> ticks;
  for (int k = 1; k * scale.step < scale.end * 1.0001; ++k) {
    const double seconds = k * scale.step * decade;
    ticks.push_back({seconds, tick_text(seconds, end_s)});
  }
  return ticks;
}

std::vector<Spot> curve(const BandDecay& band, const Plot& plot) {
  std::vector<Spot> spots;
  const double per_step = static_cast<double>(plot.box.w) * kStep / plot.end_s;
  const auto stride = std::max<std::size_t>(1, static_cast<std::size_t>(0.5 / std::max(per_step, 1e-9)));
  for (std::size_t k = 0; k < band.level_db.size(); k += stride) {
    const double seconds = static_cast<double>(k) * kStep;
    if (seconds > plot.end_s) break;
    spots.push_back({plot.x(seconds), plot.y(band.level_db[k])});
    if (band.level_db[k] <= plot.lowest_db) break;
  }
  return spots;
}

std::vector<float> columns(std::span<const float> peak_db, const Plot& plot) {
  const auto count = static_cast<std::size_t>(std::max(0.f, plot.box.w));
  std::vector<float> out(count, plot.lowest_db);
  const double steps_per_pixel = plot.end_s / kStep / std::max(1.0, static_cast<double>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = static_cast<std::size_t>(static_cast<double>(i) * steps_per_pixel);
    const auto to = std::max(from + 1, static_cast<std::size_t>(static_cast<double>(i + 1) * steps_per_pixel));
    for (std::size_t k = from; k < std::min(to, peak_db.size()); ++k) out[i] = std::max(out[i], peak_db[k]);
  }
  return out;
}

}  // namespace diffverb::ui
