#include "datasets/measure/conversion.h"

#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linspace.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/acoustics/fft.h"
#include "core/error.h"
#include "core/printed.h"
#include "datasets/measure/inverse.h"

namespace diffverb {
namespace {

constexpr double kLowest = 1e-4;  // of the filter: no zero in a logarithm
constexpr double kPointOctaves = 1.0 / 6;
constexpr std::int64_t kFinerCepstrum = 8;  // the cepstrum's transform against the filter: what folds over is -100 dB
constexpr double kFaded = 0.25;             // of a minimum-phase filter, at its end

void check(const ConversionSettings& s, double rate_hz) {
  const auto expect = [](bool good, const std::string& message) {
    if (!good) throw ConfigError(message);
  };
  expect(s.low_hz >= 1 && s.high_hz <= 0.49 * rate_hz && s.high_hz >= 2 * s.low_hz,
         "--range-hz: " + printed("%g", s.low_hz) + "," + printed("%g", s.high_hz) +
             ", expected an octave or more between 1 and " + printed("%g", 0.49 * rate_hz) + " Hz at this rate");
  expect(s.taps >= 16 && s.taps <= (1 << 18) && s.taps % 2 == 0,
         "--taps: " + std::to_string(s.taps) + ", expected an even number from 16 to 262144");
}

/// From 0 to 1 in so many samples.
at::Tensor rise(std::int64_t count) { return 0.5 - 0.5 * at::linspace(0, std::numbers::pi, count, at::kDouble).cos(); }

/// [taps] with the magnitude [F] and the least phase.
at::Tensor minimum_phase(const at::Tensor& magnitude, std::int64_t size, std::int64_t taps) {
  auto cepstrum = at::fft_irfft(magnitude.log(), size);
  cepstrum.slice(0, 1, size / 2).mul_(2);
  cepstrum.slice(0, size / 2 + 1).zero_();
  auto out = at::fft_irfft(at::fft_rfft(cepstrum).exp(), size).slice(0, 0, taps).clone();
  const auto fade = static_cast<std::int64_t>(kFaded * static_cast<double>(taps));
  out.slice(0, taps - fade).mul_(rise(fade).flip(0));
  return out;
}

at::Tensor linear_phase(const at::Tensor& magnitude, std::int64_t size, std::int64_t taps) {
  auto out = at::fft_irfft(magnitude, size).roll({taps / 2}, {0}).slice(0, 0, taps).clone();
  const auto fade = taps / 8;
  out.slice(0, 0, fade).mul_(rise(fade));
  out.slice(0, taps - fade).mul_(rise(fade).flip(0));
  return out;
}

double decibels(const at::Tensor& power, std::int64_t bin) { return 10 * std::log10(power[bin].item<double>()); }

/// Mean of a spectrum in dB, each octave of the range at equal weight.
double mean_db(const at::Tensor& power, const ConversionSettings& s, double bin_hz) {
  double sum = 0;
  int count = 0;
  for (double hz = s.low_hz; hz <= s.high_hz; hz *= std::exp2(1.0 / 24), ++count)
    sum += decibels(power, std::llround(hz / bin_hz));
  return sum / count;
}

void add_points(Conversion& out, const at::Tensor& ratio, const at::Tensor& filter, const ConversionSettings& s,
                double bin_hz) {
  double before = 0, after = 0;
  for (double hz = s.low_hz; hz <= s.high_hz * 1.0001; hz *= std::exp2(kPointOctaves)) {
    const std::int64_t bin = std::llround(hz / bin_hz);
    Conversion::Point point{hz, -decibels(ratio, bin), 0, decibels(filter, bin)};
    point.after_db = point.before_db + point.gain_db;
    if (s.keep_level) point.after_db -= out.level_db;
    before += point.before_db * point.before_db;
    after += point.after_db * point.after_db;
    out.worst_after_db = std::max(out.worst_after_db, std::abs(point.after_db));
    out.points.push_back(point);
  }
  out.before_rms_db = std::sqrt(before / static_cast<double>(out.points.size()));
  out.after_rms_db = std::sqrt(after / static_cast<double>(out.points.size()));
}

}  // namespace

Conversion design_conversion(const at::Tensor& from, const at::Tensor& to, double rate_hz,
                             const ConversionSettings& settings) {
  check(settings, rate_hz);
  const std::int64_t longest = std::max({from.size(0), to.size(0), kFinerCepstrum * settings.taps});
  const auto size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(longest)));
  const double bin_hz = rate_hz / static_cast<double>(size);
  const auto power = [&](const at::Tensor& response) {
    const auto sum = smoothed_by_octaves(at::fft_rfft(response, size).abs().square(), settings.smoothing_octaves);
    return sum.clamp_min(1e-20 * sum.max().item<double>());
  };
  const auto one = power(from);
  Conversion out;
  const auto other = power(to);
  out.level_db = mean_db(other, settings, bin_hz) - mean_db(one, settings, bin_hz);
  const auto ratio = other / one * std::pow(10.0, -out.level_db / 10);  // r^2
  const double most = std::pow(10.0, settings.most_gain_db / 20);
  const auto share = ratio / (ratio + most * most / 4);
  const auto limited = (ratio.sqrt() / (1 + ratio * share / (4 * most * most))).clamp(kLowest, most);
  const auto window = band_window(size, rate_hz, settings.low_hz, settings.high_hz);
  auto magnitude = (limited.log() * window).exp();
  if (settings.keep_level) magnitude = magnitude * std::pow(10.0, out.level_db / 20);
  const bool is_linear = settings.phase == "linear";
  out.taps = is_linear ? linear_phase(magnitude, size, settings.taps) : minimum_phase(magnitude, size, settings.taps);
  out.delay_samples = is_linear ? settings.taps / 2 : 0;
  add_points(out, ratio, at::fft_rfft(out.taps, size).abs().square(), settings, bin_hz);
  return out;
}

}  // namespace diffverb
