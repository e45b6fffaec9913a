#include "core/acoustics/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <future>
#include <utility>

#include "core/acoustics/error_summary.h"
#include "core/acoustics/late_modes.h"
#include "core/acoustics/spectrogram_distance.h"
#include "core/error.h"
#include "core/resample.h"

namespace diffverb::acoustics {
namespace {

constexpr double kFromHz = 125;
constexpr double kToHz = 8000;
constexpr double kDeepestDb = -60;
constexpr double kAboveRangeEndDb = 5;
constexpr std::size_t kFewestSamples = 64;  // less than that is no response, and nothing to resample

AnalysisOptions analysis_options(const ComparisonOptions& options) {
  AnalysisOptions analysis;
  analysis.octaves_from_hz = kFromHz;
  analysis.octaves_to_hz = kToHz;
  analysis.thirds = true;
  analysis.thirds_from_hz = kFromHz;
  analysis.thirds_to_hz = kToHz;
  analysis.keep_curves = true;
  analysis.two_slopes = options.two_slopes;
  return analysis;
}

// `count` samples from `from` on, zeros behind the end.
std::vector<double> stretch(const std::vector<float>& channel, std::size_t from, std::size_t count) {
  std::vector<double> values(count, 0.0);
  for (std::size_t i = 0; i < count && from + i < channel.size(); ++i) values[i] = channel[from + i];
  return values;
}

std::size_t samples(double seconds, double rate_hz) {
  return static_cast<std::size_t>(std::max(0L, std::lround(seconds * rate_hz)));
}

// From the onset to where the noise begins.
std::size_t clean_length(const ChannelResult& target) {
  return std::min(samples(target.clean_s, target.rate_hz), target.extent.end - target.extent.onset);
}

// Value of a decay curve beyond its end: the late exponential goes on.
double curve_at(const BandResult& band, std::size_t index, double step_s) {
  if (index < band.curve_db.size()) return band.curve_db[index];
  const double beyond_s = static_cast<double>(index - band.curve_db.size() + 1) * step_s;
  return band.curve_db.back() - 60 * beyond_s / band.late_t60_s;
}

std::optional<double> curve_error_db(const ChannelResult& target, const ChannelResult& other) {
  const double step_s = AnalysisOptions{}.curve_step_s;
  double sum = 0;
  int bands = 0;
  for (std::size_t b = 0; b < std::min(target.octaves.size(), other.octaves.size()); ++b) {
    const BandResult& t = target.octaves[b];
    const BandResult& o = other.octaves[b];
    if (t.curve_db.empty() || o.curve_db.empty()) continue;
    const double lowest = std::max(kDeepestDb, -t.range_db + kAboveRangeEndDb);
    double error = 0;
    std::size_t count = 0;
    for (; count < t.curve_db.size() && t.curve_db[count] >= lowest; ++count) {
      error += std::abs(t.curve_db[count] - curve_at(o, count, step_s));
    }
    if (count == 0) continue;
    sum += error / static_cast<double>(count);
    ++bands;
  }
  if (bands == 0) return std::nullopt;
  return sum / bands;
}

SpectrogramDistance spectrogram_distance(const std::vector<float>& target, const ChannelResult& t,
                                         const std::vector<float>& other, const ChannelResult& o) {
  if (std::min(t.extent.end - t.extent.onset, o.extent.end - o.extent.onset) < kFewestSamples) return {};
  // Cut at the onset first, so that both onsets are the same instant of the resampled signals.
  const auto at_16k = [](const std::vector<float>& channel, const ChannelResult& result, double gain) {
    Audio audio;
    audio.rate_hz = result.rate_hz;
    audio.channels.emplace_back(channel.begin() + static_cast<std::ptrdiff_t>(result.extent.onset),
                                channel.begin() + static_cast<std::ptrdiff_t>(result.extent.end));
    std::vector<double> values = to_double(resample(audio, kSpectrogramRateHz).channels[0]);
    for (double& value : values) value *= gain;
    return values;
  };
  const double gain = std::pow(10.0, (t.broadband.level_db - o.broadband.level_db) / 20);
  const std::size_t noise_from = samples(static_cast<double>(clean_length(t)) / t.rate_hz, kSpectrogramRateHz);
  return compare_spectrograms(at_16k(target, t, 1), at_16k(other, o, gain), noise_from);
}

ComparisonFigures compare_channel(const std::vector<float>& target, const ChannelResult& t,
                                  const std::vector<float>& other, const ChannelResult& o, double early_s) {
  ComparisonFigures figures;
  for (std::size_t b = 0; b < t.octaves.size(); ++b) figures.octaves.push_back(band_errors(t.octaves[b], o.octaves[b]));
  for (std::size_t b = 0; b < t.thirds.size(); ++b) figures.thirds.push_back(band_errors(t.thirds[b], o.thirds[b]));
  figures.median = median_of(figures.octaves);
  figures.worst = worst_of(figures.octaves);
  figures.thirds_median = median_of(figures.thirds);
  figures.thirds_worst = worst_of(figures.thirds);
  figures.level_shape_db = level_shape(figures.octaves);
  figures.level_offset_db = o.broadband.level_db - t.broadband.level_db;
  const std::size_t clean = clean_length(t), early = samples(early_s, t.rate_hz);
  if (clean > early) {
    figures.late_modes_target_pct = late_modes_pct(stretch(target, t.extent.onset + early, clean - early), t.rate_hz);
    figures.late_modes_pct = late_modes_pct(stretch(other, o.extent.onset + early, clean - early), t.rate_hz);
    const double clean_s = static_cast<double>(clean) / t.rate_hz;
    figures.echo_density_target = mean_echo_density(t.density, early_s, clean_s);
    figures.echo_density = mean_echo_density(o.density, early_s, clean_s);
  }
  const SpectrogramDistance distance = spectrogram_distance(target, t, other, o);
  figures.lsd_db = distance.lsd_db;
  figures.lsd_smoothed_db = distance.lsd_smoothed_db;
  figures.edc_mae_db = curve_error_db(t, o);
  return figures;
}

std::optional<double> mean_over(const std::vector<ComparisonFigures>& channels,
                                std::optional<double> ComparisonFigures::*member) {
  double sum = 0;
  int count = 0;
  for (const ComparisonFigures& channel : channels) {
    if (!(channel.*member)) continue;
    sum += *(channel.*member);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

double total_energy(const FileResult& file) {
  double energy = 0;
  for (const ChannelResult& channel : file.channels) energy += std::pow(10.0, channel.broadband.level_db / 10);
  return energy;
}

ComparisonFigures together(const std::vector<ComparisonFigures>& channels, const FileResult& target,
                           const FileResult& other) {
  ComparisonFigures all;
  std::vector<std::vector<BandErrors>> octaves, thirds;
  std::vector<BandErrors> every_octave, every_third;
  for (const ComparisonFigures& channel : channels) {
    octaves.push_back(channel.octaves);
    thirds.push_back(channel.thirds);
    every_octave.insert(every_octave.end(), channel.octaves.begin(), channel.octaves.end());
    every_third.insert(every_third.end(), channel.thirds.begin(), channel.thirds.end());
  }
  all.octaves = largest_by_band(octaves);
  all.thirds = largest_by_band(thirds);
  all.median = median_of(every_octave);
  all.worst = worst_of(every_octave);
  all.thirds_median = median_of(every_third);
  all.thirds_worst = worst_of(every_third);
  all.level_shape_db = level_shape(every_octave);
  all.level_offset_db = 10 * std::log10(total_energy(other) / total_energy(target));
  for (const auto member :
       {&ComparisonFigures::late_modes_pct, &ComparisonFigures::late_modes_target_pct, &ComparisonFigures::echo_density,
        &ComparisonFigures::echo_density_target, &ComparisonFigures::lsd_db, &ComparisonFigures::lsd_smoothed_db,
        &ComparisonFigures::edc_mae_db}) {
    all.*member = mean_over(channels, member);
  }
  return all;
}

struct CoherenceErrors {
  std::optional<double> magnitude, real;
};

// The stretch [skip, length) after the earliest onset, channel by channel.
std::vector<ChannelSpectrum> spectra(const Audio& audio, const FileResult& result, std::size_t skip,
                                     std::size_t length) {
  std::size_t onset = result.channels.front().extent.onset;
  for (const ChannelResult& channel : result.channels) onset = std::min(onset, channel.extent.onset);
  std::vector<ChannelSpectrum> all;
  for (const auto& channel : audio.channels) {
    all.push_back(channel_spectrum(stretch(channel, onset + skip, length - skip), result.rate_hz));
  }
  return all;
}

// Mean over third octaves and pairs of channels.
CoherenceErrors coherence_errors(const Audio& target, const FileResult& t, const Audio& other, const FileResult& o,
                                 std::size_t skip, std::size_t length) {
  if (length <= skip || target.channels.size() < 2) return {};
  const std::vector<ChannelSpectrum> ts = spectra(target, t, skip, length), os = spectra(other, o, skip, length);
  double magnitude = 0, real = 0;
  int count = 0;
  for (std::size_t c = 0; c < ts.size(); ++c) {
    for (std::size_t d = c + 1; d < ts.size(); ++d) {
      const std::vector<Coherence> a = measure_coherence(ts[c], ts[d], kFromHz, kToHz);
      const std::vector<Coherence> b = measure_coherence(os[c], os[d], kFromHz, kToHz);
      for (const Coherence& x : a) {
        const auto same = std::find_if(b.begin(), b.end(), [&](const Coherence& y) { return y.hz == x.hz; });
        // A band that is silent in the other has no coherence; it counts as none at all.
        magnitude += std::abs(x.magnitude - (same == b.end() ? 0.0 : same->magnitude));
        real += std::abs(x.real - (same == b.end() ? 0.0 : same->real));
        ++count;
      }
    }
  }
  if (count == 0) return {};
  return {magnitude / count, real / count};
}

}  // namespace

Comparison compare(const Audio& target, const Audio& given, const ComparisonOptions& options) {
  if (target.channels.size() != given.channels.size()) {
    throw DataError("compare: the target has " + std::to_string(target.channels.size()) + " channels, the other " +
                    std::to_string(given.channels.size()) + "; expected equal numbers");
  }
  if (std::min(target.frames(), given.frames()) < kFewestSamples) {
    throw ContractError("compare: expected at least " + std::to_string(kFewestSamples) + " samples, got " +
                        std::to_string(target.frames()) + " and " + std::to_string(given.frames()));
  }
  const Audio resampled = given.rate_hz == target.rate_hz ? Audio{} : resample(given, target.rate_hz);
  const Audio& other = given.rate_hz == target.rate_hz ? given : resampled;
  const AnalysisOptions analysis = analysis_options(options);
  Comparison result;
  result.early_ms = options.early_ms;
  auto analysed = std::async(std::launch::async, [&] { return analyze(other, analysis); });
  result.target = analyze(target, analysis);
  result.other = analysed.get();
  std::size_t clean = 0;
  for (std::size_t c = 0; c < target.channels.size(); ++c) {
    const ChannelResult& t = result.target.channels[c];
    const ChannelResult& o = result.other.channels[c];
    result.channels.push_back(compare_channel(target.channels[c], t, other.channels[c], o, options.early_ms / 1000));
    clean = std::max(clean, clean_length(t));
  }
  result.all = together(result.channels, result.target, result.other);
  const CoherenceErrors whole = coherence_errors(target, result.target, other, result.other, 0, clean);
  const std::size_t early = samples(options.early_ms / 1000, target.rate_hz);
  result.coherence_error = whole.magnitude;
  result.correlation_error = whole.real;
  result.coherence_error_late = coherence_errors(target, result.target, other, result.other, early, clean).magnitude;
  if (!options.keep_curves) {
    for (FileResult* file : {&result.target, &result.other}) {
      for (ChannelResult& channel : file->channels) {
        for (auto* bands : {&channel.octaves, &channel.thirds}) {
          for (BandResult& band : *bands) std::vector<double>().swap(band.curve_db);
        }
      }
    }
  }
  return result;
}

}  // namespace diffverb::acoustics
