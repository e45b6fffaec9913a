#include "core/acoustics/validate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "core/acoustics/analysis.h"
#include "core/error.h"
#include "core/printed.h"

namespace diffverb::acoustics {
namespace {

constexpr double kShortestSeconds = 0.050;
constexpr double kSmallestRangeDb = 20;
constexpr double kStraightest = 0.52;
constexpr double kSmallestEnergyShare = 0.2;
constexpr double kShortestDecaySeconds = 0.010;
constexpr std::size_t kFewestBands = 3;
constexpr std::size_t kClippedRun = 3;
constexpr double kOneStep = 3.1e-5;  // one step of 16 bits

std::string number(double value, const char* format = "%.4g") { return printed(format, value); }

struct Shape {
  std::size_t bands = 0;     // looked at
  std::size_t found = 0;     // with any decay
  std::size_t decaying = 0;  // with enough range
  double best_range_db = 0;
  double energy_share = 0;  // of all bands' energy, what the decaying ones hold
  double bend = 1;          // median over the decaying bands
  std::optional<double> middle_range_db;
  double fall_s = 0;  // broadband time to -25 dB, the longest of the bands where broadband has no range
};

double time_to(const Decay& decay, double db) {
  const double energy = decay.energy.front() * std::pow(10.0, db / 10);
  const auto it =
      std::partition_point(decay.energy.begin(), decay.energy.end(), [&](double value) { return value > energy; });
  return static_cast<double>(it - decay.energy.begin()) / decay.rate_hz;
}

Shape measure_shape(std::span<const double> response, double rate_hz) {
  Shape shape;
  std::vector<double> bends, falls, ranges;
  const auto middle = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  double whole_energy = 0;
  for (const Band& band : make_bands(BandWidth::kOctave, rate_hz, 125, 8000)) {
    ++shape.bands;
    const Sections filter = band_filter(band, rate_hz);
    const std::vector<double> filtered = apply_filter(filter, response);
    const double energy = std::inner_product(filtered.begin(), filtered.end(), filtered.begin(), 0.0);
    whole_energy += energy;
    const Decay decay = measure_decay(filtered, rate_hz, band.hz);
    ranges.push_back(decay.floor.found ? decay.range_db : 0);
    if (decay.energy.empty()) continue;
    ++shape.found;
    shape.best_range_db = std::max(shape.best_range_db, decay.range_db);
    if (decay.range_db < kSmallestRangeDb) continue;
    ++shape.decaying;
    shape.energy_share += energy;
    bends.push_back(time_to(decay, -10) / std::max(1e-9, time_to(decay, std::max(-25.0, -decay.range_db))));
    // The filter rings by itself for about this long.
    falls.push_back(time_to(decay, std::max(-25.0, -decay.range_db)) - 4 * group_delay_s(filter, band.hz, rate_hz));
  }
  if (!ranges.empty()) shape.middle_range_db = middle(ranges);
  if (bends.empty()) return shape;
  shape.energy_share /= whole_energy;
  shape.bend = middle(bends);
  shape.fall_s = *std::max_element(falls.begin(), falls.end());
  return shape;
}

std::size_t count_clipped(const std::vector<float>& channel) {
  double peak = 0;
  for (const float value : channel) peak = std::max(peak, std::abs(static_cast<double>(value)));
  const double threshold = peak * (1 - kOneStep);
  std::size_t clipped = 0, run = 0;
  float sign = 0;
  const auto close = [&] {
    if (run >= kClippedRun) clipped += run;
    run = 0;
  };
  for (const float value : channel) {
    const bool full = std::abs(static_cast<double>(value)) >= threshold;
    if (!full || value * sign < 0) close();
    if (full) {
      ++run;
      sign = value;
    }
  }
  close();
  return clipped;
}

std::string name_of(const Audio& audio, const std::filesystem::path& path, std::size_t channel) {
  return audio.channels.size() == 1 ? path.string() : path.string() + ": channel " + std::to_string(channel + 1);
}

std::optional<std::string> why_missing(const Shape& shape) {
  const std::size_t needed = std::min(kFewestBands, std::max<std::size_t>(1, shape.bands / 2));
  // A steady tone lets the filters of all other octaves ring and decay when it sets in.
  const bool steady = shape.energy_share < kSmallestEnergyShare || shape.bend > kStraightest;
  if (shape.decaying >= needed && steady) {
    return "no decay to be found (the energy stays and then stops, as that of noise, speech or music does)";
  }
  if (shape.decaying >= needed && shape.fall_s < kShortestDecaySeconds) {
    return "no decay to be found (all is over within " + number(1e3 * kShortestDecaySeconds) +
           " ms of the direct sound)";
  }
  if (shape.decaying >= needed) return std::nullopt;
  if (2 * shape.found >= shape.bands && shape.found > 0 && shape.best_range_db < kSmallestRangeDb + 1) {
    return "more noise than response: the decay stands " + number(shape.best_range_db, "%.0f") +
           " dB above the noise in its best octave, " + "fewer than " + std::to_string(needed) + " octaves reach " +
           number(kSmallestRangeDb) + " dB";
  }
  return "no decay to be found (noise, music, a steady tone, or more noise than response)";
}

}  // namespace

DecayCheck check_decay(std::span<const double> channel, double rate_hz) {
  const Extent extent = find_extent(channel, rate_hz);
  const Shape shape = measure_shape(channel.subspan(extent.onset, extent.end - extent.onset), rate_hz);
  return {why_missing(shape), shape.middle_range_db};
}

std::vector<std::string> check_samples(const Audio& audio, const std::filesystem::path& path,
                                       const std::string& expected) {
  if (audio.channels.empty() || audio.frames() == 0)
    throw DataError(path.string() + ": no samples; expected " + expected);
  const double seconds = static_cast<double>(audio.frames()) / audio.rate_hz;
  if (seconds < kShortestSeconds) {
    throw DataError(path.string() + ": " + number(1e3 * seconds) + " ms long; expected " + expected + " of at least " +
                    number(1e3 * kShortestSeconds) + " ms");
  }
  std::vector<std::string> warnings;
  for (std::size_t c = 0; c < audio.channels.size(); ++c) {
    const std::vector<float>& channel = audio.channels[c];
    const std::string where = name_of(audio, path, c);
    const auto bad = std::find_if(channel.begin(), channel.end(), [](float value) { return !std::isfinite(value); });
    if (bad != channel.end()) {
      throw DataError(where + ": sample " + std::to_string(bad - channel.begin()) +
                      " is not finite; expected finite samples");
    }
    if (std::all_of(channel.begin(), channel.end(), [](float value) { return value == 0; })) {
      throw DataError(where + ": silent (all zeros); expected " + expected);
    }
    if (const std::size_t clipped = count_clipped(channel); clipped > 0) {
      warnings.push_back(where + ": clipped: " + std::to_string(clipped) +
                         " samples stand in runs of 3 or more at full scale");
    }
  }
  return warnings;
}

std::vector<std::string> check_response(const Audio& audio, const std::filesystem::path& path) {
  std::vector<std::string> warnings = check_samples(audio, path);
  for (std::size_t c = 0; c < audio.channels.size(); ++c) {
    const DecayCheck decay = check_decay(to_double(audio.channels[c]), audio.rate_hz);
    const std::string where = name_of(audio, path, c);
    if (decay.missing) throw DataError(where + ": " + *decay.missing + "; expected an impulse response");
    if (decay.range_db && *decay.range_db < kEnoughRange_db)
      warnings.push_back(where + ": its decay stands only " + number(*decay.range_db, "%.0f") +
                         " dB above its noise (median of the octaves): decay times may come out short; expected " +
                         number(kEnoughRange_db) + " dB");
  }
  return warnings;
}

}  // namespace diffverb::acoustics
