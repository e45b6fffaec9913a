#include "core/acoustics/analysis.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "core/acoustics/validate.h"

namespace diffverb::acoustics {
namespace {

constexpr double kDirectSeconds = 0.0025;
constexpr double kEarlySeconds = 0.080;

double decibels(double energy) { return 10 * std::log10(std::max(energy, 1e-300)); }

double energy_of(std::span<const double> signal) {
  double energy = 0;
  for (const double value : signal) energy += value * value;
  return energy;
}

// Energy before and after a time of the decay curve; nothing where either part is empty.
std::optional<double> clarity_db(const Decay& decay, double seconds) {
  const double after = energy_after(decay, seconds);
  const double before = decay.energy.front() - after;
  if (!(before > 0) || !(after > 0)) return std::nullopt;
  return decibels(before / after);
}

// sum t h^2 / sum h^2 equals the integral of the decay curve over its start.
double centre_time_s(const Decay& decay) {
  double sum = 0;
  for (const double energy : decay.energy) sum += energy;
  sum += decay.tail * decay.floor.late_t60_s * decay.rate_hz / (6 * std::log(10.0));
  return sum / decay.energy.front() / decay.rate_hz;
}

std::optional<double> direct_to_reverberant_db(const Decay& decay) {
  if (decay.energy.empty() || decay.range_db < kRangeForClarityDb) return std::nullopt;
  return clarity_db(decay, kDirectSeconds);
}

std::vector<BandResult> measure_bands(std::span<const double> response, double rate_hz, const std::vector<Band>& bands,
                                      const AnalysisOptions& options) {
  std::vector<BandResult> results;
  for (const Band& band : bands) {
    const Sections filter = band_filter(band, rate_hz);
    const std::vector<double> filtered = apply_filter(filter, response);
    results.push_back(
        measure_band(filtered, rate_hz, band.nominal_hz, group_delay_s(filter, band.hz, rate_hz), options));
  }
  return results;
}

// One octave alone may be full of rumble or hiss; the median is where noise begins for the response as a whole.
double noise_begins_s(const std::vector<BandResult>& octaves, double whole_s) {
  std::vector<double> times;
  for (const BandResult& band : octaves) {
    if (band.truncation_s > 0) times.push_back(band.truncation_s);
  }
  if (times.empty()) return whole_s;
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

BandResult measure_band(std::span<const double> filtered, double rate_hz, double hz, double delay_s,
                        const AnalysisOptions& options) {
  const Decay decay = options.without_noise ? integrate_decay(filtered, rate_hz) : measure_decay(filtered, rate_hz, hz);
  BandResult band;
  band.hz = hz;
  band.level_db = decibels(energy_of(filtered));
  if (decay.energy.empty()) return band;
  band.level_db = decibels(decay.energy.front());
  if (decay.floor.power > 0) band.noise_floor_db = decibels(decay.floor.power);
  band.range_db = decay.range_db;
  band.truncation_s = static_cast<double>(decay.floor.truncation_samples) / rate_hz;
  band.late_t60_s = decay.floor.late_t60_s;
  band.edt_s = early_decay_time_s(decay);
  band.t20_s = t20_s(decay);
  band.t30_s = t30_s(decay);
  if (decay.range_db >= kRangeForClarityDb) {
    band.c50_db = clarity_db(decay, 0.050 + delay_s);
    band.c80_db = clarity_db(decay, 0.080 + delay_s);
    band.d50 = std::clamp(1 - energy_after(decay, 0.050 + delay_s) / decay.energy.front(), 0.0, 1.0);
    band.ts_s = std::max(0.0, centre_time_s(decay) - delay_s);
  }
  if (options.two_slopes) band.two_slopes = find_two_slopes(decay);
  if (options.keep_curves) {
    band.curve_db = decay_curve_db(decay, static_cast<std::size_t>(std::lround(options.curve_step_s * rate_hz)));
  }
  return band;
}

ChannelResult analyze_channel(std::span<const double> channel, double rate_hz, const AnalysisOptions& options) {
  ChannelResult result;
  result.extent = find_extent(channel, rate_hz);
  result.rate_hz = rate_hz;
  result.onset_s = static_cast<double>(result.extent.onset) / rate_hz;
  const auto response = channel.subspan(result.extent.onset, result.extent.end - result.extent.onset);
  result.broadband = measure_band(response, rate_hz, 0, 0, options);
  result.drr_db = direct_to_reverberant_db(measure_decay(response, rate_hz, 0));
  result.octaves =
      measure_bands(response, rate_hz,
                    make_bands(BandWidth::kOctave, rate_hz, options.octaves_from_hz, options.octaves_to_hz), options);
  if (options.thirds) {
    AnalysisOptions plain = options;
    plain.two_slopes = false;
    result.thirds = measure_bands(
        response, rate_hz, make_bands(BandWidth::kThirdOctave, rate_hz, options.thirds_from_hz, options.thirds_to_hz),
        plain);
  }
  result.density = measure_echo_density(response, rate_hz);
  result.no_decay = check_decay(channel, rate_hz).missing;
  result.clean_s = noise_begins_s(result.octaves, static_cast<double>(response.size()) / rate_hz);
  if (!result.no_decay && result.density.mixing_time_s && *result.density.mixing_time_s < result.clean_s) {
    result.mixing_time_s = result.density.mixing_time_s;
  }
  result.echo_density = mean_echo_density(result.density, result.mixing_time_s.value_or(kEarlySeconds), result.clean_s);
  return result;
}

std::vector<double> to_double(std::span<const float> channel) { return {channel.begin(), channel.end()}; }

FileResult analyze(const Audio& audio, const AnalysisOptions& options) {
  FileResult result;
  result.rate_hz = audio.rate_hz;
  result.channels.resize(audio.channels.size());
  const auto every_second_from = [&](std::size_t first) {
    for (std::size_t c = first; c < audio.channels.size(); c += 2) {
      result.channels[c] = analyze_channel(to_double(audio.channels[c]), audio.rate_hz, options);
    }
  };
  std::future<void> odd;
  if (audio.channels.size() > 1) odd = std::async(std::launch::async, every_second_from, std::size_t{1});
  every_second_from(0);
  if (odd.valid()) odd.get();
  if (audio.channels.size() == 2) {
    const std::size_t onset = std::min(result.channels[0].extent.onset, result.channels[1].extent.onset);
    const std::size_t end = std::max(result.channels[0].extent.end, result.channels[1].extent.end);
    const std::vector<double> left = to_double(audio.channels[0]), right = to_double(audio.channels[1]);
    const std::span<const double> l(left), r(right);
    result.iacc = measure_iacc(l.subspan(onset, end - onset), r.subspan(onset, end - onset), audio.rate_hz);
  }
  return result;
}

}  // namespace diffverb::acoustics
