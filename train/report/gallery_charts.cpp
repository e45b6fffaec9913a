#include <algorithm>
#include <cmath>
#include <string>

#include "train/report/charts.h"
#include "train/report/gallery.h"
#include "train/report/html.h"
#include "train/report/png.h"
#include "train/report/spectrogram.h"

namespace diffverb::report {
namespace {

constexpr double kPictureRange_db = 80;
constexpr int kRows = 110, kColumns = 240;
constexpr std::size_t kMostPoints = 150;  // of a curve

std::vector<const GalleryEntry*> played(const std::vector<GalleryEntry>& entries) {
  std::vector<const GalleryEntry*> out;
  for (const GalleryEntry& entry : entries) {
    if (entry.error.empty()) out.push_back(&entry);
  }
  return out;
}

/// The time axis of all: what four of five of them need to fall by 60 dB, and a little more.
double common_end_s(const std::vector<GalleryEntry>& entries) {
  std::vector<double> ends;
  for (const GalleryEntry* entry : played(entries)) ends.push_back(entry->tail.to_s);
  if (ends.empty()) return 1;
  std::sort(ends.begin(), ends.end());
  return std::max(0.1, 1.1 * ends[(ends.size() - 1) * 4 / 5]);
}

Chart small_chart(const std::string& title) {
  Chart chart;
  chart.title = title;
  chart.width = 400;
  chart.height = 270;
  return chart;
}

}  // namespace

std::vector<Chart> gallery_decays(const std::vector<GalleryEntry>& entries) {
  const double end_s = common_end_s(entries);
  std::vector<Chart> out;
  for (const GalleryEntry* entry : played(entries)) {
    Chart chart = small_chart(entry->name);
    chart.x = {"Time, s", 0, end_s, false, false, "s"};
    chart.y = {"Energy still to come, dB", -60, 2, false, false, "dB"};
    const double step_s = std::round(chart_options().curve_step_s * entry->rate_hz) / entry->rate_hz;
    for (const acoustics::BandResult& band : entry->channel.octaves) {
      if (band.hz > 8000 || band.curve_db.empty()) continue;
      const auto octave = static_cast<int>(std::lround(std::log2(band.hz / 63)));
      Series line{band_name(band.hz), "r" + std::to_string(octave), {}, {}, false};
      const std::size_t stride = std::max<std::size_t>(1, static_cast<std::size_t>(end_s / step_s) / kMostPoints);
      for (std::size_t k = 0; k < band.curve_db.size() && band.curve_db[k] > -70; k += stride) {
        line.x.push_back(static_cast<double>(k) * step_s);
        line.y.push_back(band.curve_db[k]);
      }
      chart.series.push_back(std::move(line));
    }
    out.push_back(std::move(chart));
  }
  return out;
}

std::vector<Chart> gallery_densities(const std::vector<GalleryEntry>& entries) {
  constexpr double kFrom_s = 0.01, kRatio = 1.02;
  const double end_s = common_end_s(entries);
  std::vector<Chart> out;
  for (const GalleryEntry* entry : played(entries)) {
    Chart chart = small_chart(entry->name);
    chart.x = {"Time after the onset, s", kFrom_s, std::max(end_s, 10 * kFrom_s), true, false, "s"};
    chart.y = {"Echo density", 0, 1.3, false, false, ""};
    chart.rules = {{"diffuse", 1, true}};
    Series line{"echo density", "r0", {}, {}, false};
    const auto& profile = entry->channel.density.profile;
    double next_s = kFrom_s;
    for (std::size_t k = 0; k < profile.size(); ++k) {
      const double time_s = static_cast<double>(k) * acoustics::EchoDensity::step_s;
      if (time_s < next_s || time_s > entry->tail.to_s) continue;
      line.x.push_back(time_s);
      line.y.push_back(profile[k]);
      next_s = time_s * kRatio;
    }
    chart.series = {std::move(line)};
    out.push_back(std::move(chart));
  }
  return out;
}

std::vector<Chart> gallery_coherences(const std::vector<GalleryEntry>& entries) {
  std::vector<Chart> out;
  for (const GalleryEntry* entry : played(entries)) {
    if (entry->coherence.empty()) continue;
    Chart chart = small_chart(entry->name);
    chart.x = {"Frequency, Hz", 110, 9000, true, true, "Hz"};
    chart.y = {"Squared coherence", 0, 1.02, false, false, ""};
    Series line{"squared coherence", "r0", {}, {}, true};
    for (const auto& band : entry->coherence) {
      line.x.push_back(band.hz);
      line.y.push_back(band.value);
    }
    chart.series = {std::move(line)};
    out.push_back(std::move(chart));
  }
  return out;
}

std::vector<Chart> gallery_spectrograms(const std::vector<GalleryEntry>& entries) {
  const double end_s = common_end_s(entries), lo_hz = 50;
  std::vector<Chart> out;
  for (const GalleryEntry* entry : played(entries)) {
    const double hi_hz = std::min(16000.0, entry->rate_hz / 2);
    const Spectrogram picture =
        log_spectrogram(entry->response.channels[0], entry->rate_hz, end_s, lo_hz, hi_hz, kRows, kColumns);
    const float largest = *std::max_element(picture.power.begin(), picture.power.end());
    Chart chart = small_chart(entry->name);
    chart.x = {"Time, s", 0, end_s, false, false, "s"};
    chart.y = {"Frequency, Hz", lo_hz, hi_hz, true, true, "Hz"};
    chart.picture_png =
        base64(encode_png(quantise(picture, largest > 0 ? static_cast<double>(largest) : 1, kPictureRange_db), kColumns,
                          kRows, viridis()));
    chart.picture_name = entry->name;
    chart.picture_range_db = kPictureRange_db;
    out.push_back(std::move(chart));
  }
  return out;
}

}  // namespace diffverb::report
