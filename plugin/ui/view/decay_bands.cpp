#include "plugin/ui/view/decay_bands.h"

#include <algorithm>
#include <cmath>

#include "plugin/ui/view/late_decay.h"
#include "plugin/ui/view/octave_filter.h"
#include "runtime/line_fit.h"

namespace diffverb::ui {
namespace {

constexpr double kTiny = 1e-300;
constexpr double kSilenceDb = -140;    // below the loudest step: the sound is over
constexpr double kRingSteps = 50;      // of a filter at 125 Hz until its ringing is 60 dB down
constexpr double kHighestEdge = 0.95;  // of half the rate
constexpr double kFirstOctaveHz = 125;
constexpr int kOctaves = 7;

using Energies = std::vector<double>;

// Energy of every step, all channels together, after `filter(sample)` has run over each channel backwards.
template <typename MakeFilter>
Energies step_energies(std::span<const std::vector<float>> channels, double step_samples, MakeFilter make_filter) {
  std::size_t longest = 0;
  for (const auto& channel : channels) longest = std::max(longest, channel.size());
  Energies energies(static_cast<std::size_t>(std::ceil(static_cast<double>(longest) / step_samples)), 0.0);
  for (const auto& channel : channels) {
    auto filter = make_filter();
    for (std::size_t i = channel.size(); i-- > 0;) {
      const double sample = filter(static_cast<double>(channel[i]));
      energies[static_cast<std::size_t>(static_cast<double>(i) / step_samples)] += sample * sample;
    }
    // What the filter makes of the very first samples comes before them.
    for (int i = 0; i < static_cast<int>(kRingSteps * step_samples) && !energies.empty(); ++i) {
      const double sample = filter(0);
      energies[0] += sample * sample;
    }
  }
  return energies;
}

void drop_silence(Energies& energies) {
  if (energies.empty()) return;
  const double least = *std::max_element(energies.begin(), energies.end()) * std::pow(10.0, kSilenceDb / 10);
  while (!energies.empty() && energies.back() <= least) energies.pop_back();
}

// Least squares through the curve between two levels, extrapolated to 60 dB.
std::optional<double> decay_time(const std::vector<float>& level_db, double from_db, double to_db) {
  runtime::LineFit fit;
  for (std::size_t k = 0; k < level_db.size(); ++k) {
    const double y = static_cast<double>(level_db[k]);
    if (y <= from_db && y >= to_db) fit.add(static_cast<double>(k), y);
  }
  if (fit.points() < 4 || !(fit.slope() < 0)) return std::nullopt;
  return -60 / fit.slope() * ResponsePicture::kStepSeconds;
}

BandDecay decay_of(Energies energies, double centre_hz) {
  BandDecay decay{centre_hz, {}, std::nullopt};
  drop_silence(energies);
  const LateDecay late = find_late_decay(energies);
  if (!late.found) return decay;
  const auto steps = static_cast<std::size_t>(late.end);
  decay.level_db.resize(steps);
  double left = late.tail;
  std::vector<double> integral(steps);
  for (std::size_t k = steps; k-- > 0;) integral[k] = left += energies[k] - late.noise;
  const double total = steps > 0 ? std::max(integral[0], kTiny) : 1;
  double lowest = total;  // less noise, the curve could rise again
  for (std::size_t k = 0; k < steps; ++k) {
    lowest = std::min(lowest, std::max(integral[k], kTiny));
    decay.level_db[k] = static_cast<float>(10 * std::log10(lowest / total));
  }
  const double stop_db = late.range_db >= 40 ? -35 : late.range_db >= 30 ? -25 : -15;
  if (late.range_db >= 20) decay.t60_s = decay_time(decay.level_db, -5, stop_db);
  return decay;
}

std::vector<std::vector<float>> peaks(std::span<const std::vector<float>> channels, double step_samples) {
  std::vector<std::vector<float>> out;
  float largest = 0;
  for (const auto& channel : channels) {
    auto& steps =
        out.emplace_back(static_cast<std::size_t>(std::ceil(static_cast<double>(channel.size()) / step_samples)));
    for (std::size_t i = 0; i < channel.size(); ++i) {
      float& peak = steps[static_cast<std::size_t>(static_cast<double>(i) / step_samples)];
      peak = std::max(peak, std::abs(channel[i]));
    }
    for (const float peak : steps) largest = std::max(largest, peak);
  }
  for (auto& steps : out)
    for (float& peak : steps) peak = 20 * std::log10(std::max(peak, 1e-12f) / std::max(largest, 1e-12f));
  return out;
}

}  // namespace

ResponsePicture picture_of(std::span<const std::vector<float>> channels, double rate_hz) {
  ResponsePicture picture;
  if (channels.empty() || !(rate_hz > 0)) return picture;
  const double step_samples = std::max(1.0, rate_hz * ResponsePicture::kStepSeconds);
  picture.seconds = static_cast<double>(channels[0].size()) / rate_hz;
  picture.peak_db = peaks(channels, step_samples);
  picture.all = decay_of(step_energies(channels, step_samples, [] { return [](double x) { return x; }; }), 0);
  for (int k = 0; k < kOctaves; ++k) {
    const double centre = std::ldexp(kFirstOctaveHz, k), low = centre / std::sqrt(2.0), high = centre * std::sqrt(2.0);
    if (high > kHighestEdge * rate_hz / 2) break;
    picture.bands.push_back(decay_of(
        step_energies(
            channels, step_samples,
            [&] { return [filter = OctaveFilter(low, high, rate_hz)](double x) mutable { return filter.next(x); }; }),
        centre));
  }
  return picture;
}

}  // namespace diffverb::ui
