#include "core/acoustics/preparation.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"

namespace diffverb::acoustics {
namespace {

constexpr double kPaddingShare = 1e-9;  // below this share of the peak a sample is padding
constexpr double kFrameSeconds = 0.02;
constexpr double kFadeDb = 6;        // the last frame of a fade lies this far below the trend
constexpr double kLargestCut = 0.5;  // a "fade" longer than this share of the file is the response itself
constexpr std::size_t kFewestFrames = 15;

double peak_of(std::span<const double> response) {
  double peak = 0;
  for (const double value : response) peak = std::max(peak, std::abs(value));
  return peak;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> frame_levels_db(std::span<const double> response, std::size_t frame) {
  std::vector<double> levels(response.size() / frame);
  for (std::size_t k = 0; k < levels.size(); ++k) {
    double energy = 0;
    // Frames are counted from the end, so that the last one is whole.
    const std::size_t begin = response.size() - (levels.size() - k) * frame;
    for (std::size_t i = begin; i < begin + frame; ++i) energy += response[i] * response[i];
    levels[k] = 10 * std::log10(energy / static_cast<double>(frame) + 1e-300);
  }
  return levels;
}

bool last_frame_is_fade(const std::vector<double>& levels, std::size_t count) {
  const auto from = [&](double share) {
    return levels.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(count));
  };
  const auto last = levels.begin() + static_cast<std::ptrdiff_t>(count);
  const double before = median({from(0.6), from(0.8)});
  const double now = median({from(0.8), last});
  const double expected = now + 0.5 * std::min(0.0, now - before);
  return *(last - 1) < expected - kFadeDb;
}

}  // namespace

std::size_t find_onset(std::span<const double> response, double share) {
  const double threshold = share * peak_of(response);
  if (!(threshold > 0)) return 0;
  for (std::size_t i = 0; i < response.size(); ++i) {
    if (std::abs(response[i]) >= threshold) return i;
  }
  return 0;
}

std::size_t find_end(std::span<const double> response, double rate_hz) {
  const double threshold = kPaddingShare * peak_of(response);
  std::size_t end = response.size();
  while (end > 0 && std::abs(response[end - 1]) <= threshold) --end;
  if (end == 0) return response.size();
  const auto frame = std::max<std::size_t>(1, static_cast<std::size_t>(kFrameSeconds * rate_hz));
  const std::vector<double> levels = frame_levels_db(response.first(end), frame);
  std::size_t count = levels.size();
  const auto fewest =
      std::max(kFewestFrames, static_cast<std::size_t>((1 - kLargestCut) * static_cast<double>(levels.size())));
  while (count > fewest && last_frame_is_fade(levels, count)) --count;
  return end - (levels.size() - count) * frame;
}

Extent find_extent(std::span<const double> response, double rate_hz, double onset_share) {
  if (response.empty() || !(rate_hz > 0)) {
    throw ContractError("find_extent: expected a response with samples and rate_hz > 0, got " +
                        std::to_string(response.size()) + " samples at " + std::to_string(rate_hz) + " Hz");
  }
  Extent extent;
  extent.onset = find_onset(response, onset_share);
  extent.end = std::max(find_end(response, rate_hz), extent.onset + 1);
  extent.end_trimmed = extent.end < response.size();
  return extent;
}

}  // namespace diffverb::acoustics
