#include "models/room_design.h"

#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/acoustics/decay.h"
#include "core/acoustics/filters.h"
#include "core/acoustics/two_slopes.h"
#include "core/error.h"

namespace diffverb {
namespace {

namespace ac = acoustics;

struct BandDecays {
  ac::Band band;
  bool octave = false;
  std::vector<ac::Decay> channels;
  std::vector<double>
      above_noise;  // a channel's energy after early_s less the power at the file's end, where no decay is found
};

/// At least a hundredth of what is there: what a hum hides is not known to be nothing.
double energy_above_noise(const std::vector<double>& x, std::size_t first) {
  const std::size_t end = x.size() - x.size() / 10;
  const auto sum = [&](std::size_t from, std::size_t to) {
    double out = 0;
    for (std::size_t n = from; n < to; ++n) out += x[n] * x[n];
    return out;
  };
  if (first >= end || end == x.size()) return 0;
  const double all = sum(first, end),
               noise = sum(end, x.size()) / static_cast<double>(x.size() - end) * static_cast<double>(end - first);
  return std::max(all - noise, 0.01 * all);
}

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

std::vector<BandDecays> measure(const at::Tensor& ir, double rate_hz, ac::BandWidth width, double from_hz, double to_hz,
                                double early_s) {
  std::vector<BandDecays> out;
  const auto rows = ir.accessor<double, 2>();
  for (const ac::Band& band : ac::make_bands(width, rate_hz, from_hz, to_hz)) {
    BandDecays entry{band, width == ac::BandWidth::kOctave, {}, {}};
    const auto filter = ac::band_filter(band, rate_hz);
    for (std::int64_t c = 0; c < ir.size(0); ++c) {
      const auto filtered = ac::apply_filter(filter, std::span<const double>(&rows[c][0], ir.size(1)));
      entry.channels.push_back(ac::measure_decay(filtered, rate_hz, band.hz));
      entry.above_noise.push_back(energy_above_noise(filtered, static_cast<std::size_t>(early_s * rate_hz)));
    }
    out.push_back(std::move(entry));
  }
  return out;
}

/// The decay time of a band: T30 where there is range for it, else what the range allows; median over channels.
std::optional<double> band_t60(const BandDecays& band, double& range_db) {
  std::vector<double> times;
  range_db = 0;
  for (const ac::Decay& decay : band.channels) {
    if (!decay.floor.found || decay.range_db < 20) continue;
    const double stop = -std::min(35.0, decay.range_db - 5);
    if (const auto t = ac::decay_time_s(decay, -5, stop, 20)) times.push_back(*t);
    range_db = std::max(range_db, decay.range_db);
  }
  if (times.empty()) return std::nullopt;
  return median(times);
}

/// Two slopes in at least half of the usable octaves: coupled rooms. Each octave then gives a time to either curve, one
/// with a single slope the same to both. A first slope that is over before the early part ends (direct sound, first
/// reflections) is the early part's business.
bool add_two_slopes(const std::vector<BandDecays>& bands, bool forced, double early_s, RoomDesign& design) {
  RoomDesign::DecayCurve early, late;
  std::vector<double> levels;
  int usable = 0, found = 0;
  for (const BandDecays& band : bands) {
    if (!band.octave) continue;
    std::vector<double> first, second, level;
    bool enough_range = false, counted = false;
    int clear = 0;  // channels without doubt; once the room is known to be coupled, weaker signs count too
    for (const ac::Decay& decay : band.channels) {
      if (!decay.floor.found || decay.range_db < 35) continue;
      enough_range = true;
      counted = band.band.hz > 100 && band.band.hz < 9000;
      const ac::TwoSlopes slopes = ac::find_two_slopes(decay);
      const bool plausible =
          slopes.late_t60_s > 1.3 * slopes.early_t60_s && slopes.single_residual_db > 1.3 * slopes.double_residual_db;
      // A bend deep down (28 dB) lies below what reverberation times look at: one group follows it well enough.
      const bool deep = 60 * slopes.knee_s / std::max(slopes.early_t60_s, 1e-3) > 28;
      if (!plausible || slopes.early_t60_s <= 0 || deep || slopes.knee_s < 1.25 * early_s) continue;
      clear += slopes.found;
      first.push_back(slopes.early_t60_s);
      second.push_back(slopes.late_t60_s);
      // An exponential's decay curve starts at its power density times T60 / 13.8: density, not energy, is what gains
      // set.
      level.push_back(slopes.level_db + 10 * std::log10(slopes.early_t60_s / slopes.late_t60_s));
    }
    usable += counted;
    if (first.empty()) {  // one slope here: both groups follow it
      double range_db = 0;
      const auto t60 = band_t60(band, range_db);
      if (enough_range && t60) {
        early.hz.push_back(band.band.hz), early.t60_s.push_back(*t60), early.weight.push_back(1);
        late.hz.push_back(band.band.hz), late.t60_s.push_back(*t60), late.weight.push_back(1);
      }
      continue;
    }
    found += counted && clear > 0;
    early.hz.push_back(band.band.hz), early.t60_s.push_back(median(first)), early.weight.push_back(1);
    late.hz.push_back(band.band.hz), late.t60_s.push_back(median(second)), late.weight.push_back(1);
    levels.push_back(median(level));
  }
  if (found == 0 || (!forced && 2 * found < usable)) return false;
  design.slopes = {early, late};
  design.late_slope_db = median(levels);
  return true;
}

}  // namespace

RoomDesign design_room(const at::Tensor& ir, double sample_rate_hz, const std::vector<double>& band_hz,
                       const RoomDesignOptions& options) {
  RoomDesign design;
  design.band_hz = band_hz;
  const auto octaves = measure(ir, sample_rate_hz, ac::BandWidth::kOctave, 63, 16000, options.early_s);
  const auto thirds = measure(ir, sample_rate_hz, ac::BandWidth::kThirdOctave, band_hz.front() * 0.9,
                              band_hz.back() * 1.1, options.early_s);
  RoomDesign::DecayCurve curve;
  std::vector<double> middle, all;
  double length = 0;
  for (const auto* bands : {&octaves, &thirds}) {
    for (const BandDecays& band : *bands) {
      double range = 0;
      const auto t60 = band_t60(band, range);
      if (!t60) continue;
      curve.hz.push_back(band.band.hz);
      curve.t60_s.push_back(*t60);
      curve.weight.push_back(band.octave ? 1.0 : 0.25);
      if (!band.octave) continue;
      all.push_back(*t60);
      if (band.band.hz > 200 && band.band.hz < 5000) middle.push_back(*t60);
      for (const ac::Decay& decay : band.channels) {
        if (!decay.floor.found) continue;
        const double depth = std::min(options.range_db + 5, decay.range_db);
        const double limit = decay.energy[0] * std::pow(10.0, -depth / 10);
        std::size_t t = 0;
        while (t + 1 < decay.energy.size() && decay.energy[t] > limit) ++t;
        length = std::max(length, static_cast<double>(t) / sample_rate_hz);
      }
    }
  }
  if (all.empty())
    throw DataError("no octave band decays by 20 dB above its noise: this is not a usable impulse response");
  design.slopes = {curve};
  const double single = median(middle.empty() ? all : middle);
  design.t60_s = single;
  if (options.slopes != 1 && add_two_slopes(octaves, options.slopes == 2, options.early_s, design)) {
    design.t60_s = std::max(single, median(design.slopes[1].t60_s));
  }
  design.length_s = std::clamp(length * 1.05 + 0.02, options.early_s + 0.05, options.longest_s);

  design.late_energy = at::full({ir.size(0), static_cast<std::int64_t>(band_hz.size())},
                                std::numeric_limits<double>::quiet_NaN(), at::kDouble);
  auto late = design.late_energy.accessor<double, 2>();
  for (const BandDecays& band : thirds) {
    for (std::size_t k = 0; k < band_hz.size(); ++k) {
      if (std::abs(std::log2(band.band.hz / band_hz[k])) > 0.05) continue;
      for (std::int64_t c = 0; c < ir.size(0); ++c) {
        const ac::Decay& decay = band.channels[c];
        late[c][k] =
            decay.floor.found && decay.range_db > 10 ? ac::energy_after(decay, options.early_s) : band.above_noise[c];
      }
    }
  }
  return design;
}

std::vector<std::int64_t> choose_delays(std::int64_t lines, double t60_s, double sample_rate_hz) {
  const double root = std::sqrt(t60_s);
  const double shortest = std::clamp(0.012 * root, 0.005, 0.020) * sample_rate_hz;
  const double longest = std::clamp(0.045 * root, 0.020, 0.070) * sample_rate_hz;
  const auto is_prime = [](std::int64_t n) {
    for (std::int64_t d = 2; d * d <= n; ++d) {
      if (n % d == 0) return false;
    }
    return n > 1;
  };
  std::vector<std::int64_t> delays;
  for (std::int64_t j = 0; j < lines; ++j) {
    const double share = lines > 1 ? static_cast<double>(j) / static_cast<double>(lines - 1) : 0.5;
    auto candidate = static_cast<std::int64_t>(std::lround(shortest * std::pow(longest / shortest, share)));
    while (!is_prime(candidate) || std::find(delays.begin(), delays.end(), candidate) != delays.end()) ++candidate;
    delays.push_back(candidate);
  }
  return delays;
}

}  // namespace diffverb
