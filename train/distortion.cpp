#include "train/distortion.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>
#include <vector>

#include "core/acoustics/decay.h"
#include "core/acoustics/fft.h"
#include "core/error.h"
#include "core/seed.h"
#include "runtime/render.h"

namespace diffverb {
namespace {

using Sound = std::vector<float>;
using Spectrum = std::vector<std::complex<double>>;

constexpr double kSettle_s = 3, kNoise_s = 0.5, kDecay_s = 8;
constexpr double kSilent = 1e-12;  // of a fundamental, over its input

/// The first output, in double precision.
std::vector<double> play(const std::shared_ptr<const runtime::Model>& model, const Sound& input, double tail_s) {
  const auto output = runtime::render(model, {input}, tail_s)[0];
  return {output.begin(), output.end()};
}

/// One second of a model that hears a sine, after it has settled, a bin a hertz.
Spectrum spectrum_of_sine(const std::shared_ptr<const runtime::Model>& model, double hz, double size) {
  const double rate = model->sample_rate_hz();
  const auto second = static_cast<std::size_t>(std::lround(rate));
  Sound input(second * static_cast<std::size_t>(kSettle_s + 1));
  for (std::size_t n = 0; n < input.size(); ++n)
    input[n] = static_cast<float>(size * std::sin(2 * std::numbers::pi * hz * static_cast<double>(n) / rate));
  const auto output = play(model, input, 0);
  return acoustics::RealFft(second)(std::span(output).last(second));
}

double power_at(const Spectrum& spectrum, double hz) { return std::norm(spectrum.at(static_cast<std::size_t>(hz))); }

/// Power of the harmonics 2 .. 9 beyond half the rate, where they fold to.
double aliased_power(const Spectrum& spectrum, double hz, double rate_hz) {
  double power = 0;
  for (int k = 2; k <= 9; ++k) {
    if (k * hz > rate_hz / 2) power += power_at(spectrum, std::abs(k * hz - rate_hz * std::round(k * hz / rate_hz)));
  }
  return power;
}

std::optional<double> decay_after_noise(const std::shared_ptr<const runtime::Model>& model, double size) {
  const double rate = model->sample_rate_hz();
  Sound input(static_cast<std::size_t>(kNoise_s * rate));
  Random random(1, "levels");
  for (float& x : input) x = static_cast<float>(random.uniform(-size, size));
  const auto output = play(model, input, kDecay_s);
  return acoustics::decay_time_s(acoustics::integrate_decay(std::span(output).subspan(input.size()), rate), -5, -35,
                                 acoustics::kRangeForT30Db);
}

}  // namespace

LevelMeasure measure_level(const std::shared_ptr<const runtime::Model>& model, double level_db) {
  const double rate = model->sample_rate_hz(), size = std::pow(10.0, level_db / 20);
  if (std::lround(rate) % 2 != 0 || rate < 4 * LevelMeasure::kSine_hz || rate < 2.2 * LevelMeasure::kAliased_hz)
    throw ConfigError("levels: the model's rate is " + std::to_string(std::lround(rate)) +
                      " Hz, expected an even one of 11000 or more");
  LevelMeasure out{.level_db = level_db};
  const auto over = [](double power, double of) -> std::optional<double> {
    return power > 0 && of > 0 ? std::optional(10 * std::log10(power / of)) : std::nullopt;
  };
  const Spectrum sine = spectrum_of_sine(model, LevelMeasure::kSine_hz, size);
  const double one = power_at(sine, LevelMeasure::kSine_hz), input_power = std::pow(size * rate / 2, 2);
  if (one > kSilent * kSilent * input_power) {
    out.gain_db = over(one, input_power);
    out.second_db = over(power_at(sine, 2 * LevelMeasure::kSine_hz), one);
    out.third_db = over(power_at(sine, 3 * LevelMeasure::kSine_hz), one);
    out.dc_db = over(power_at(sine, 0) / 4, one);
  }
  const Spectrum high = spectrum_of_sine(model, LevelMeasure::kAliased_hz, size);
  out.alias_db = over(aliased_power(high, LevelMeasure::kAliased_hz, rate), power_at(high, LevelMeasure::kAliased_hz));
  out.t60_s = decay_after_noise(model, size);
  return out;
}

}  // namespace diffverb
