#include "train/report/dry_sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr double kLength_s = 3.2;
constexpr double kPi = std::numbers::pi;

/// White noise in -1..1 (splitmix64: the standard library's distributions differ between implementations).
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed) {}
  double operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-52 - 1;
  }

 private:
  std::uint64_t state_;
};

std::size_t at_s(double time_s, double rate_hz) { return static_cast<std::size_t>(std::lround(time_s * rate_hz)); }

/// Adds a plucked string that is damped by hand after `held_s`.
void pluck(std::vector<double>& out, double rate_hz, double start_s, double held_s, double pitch_hz, double gain,
           Noise& noise) {
  const double period = rate_hz / pitch_hz - 0.5;  // the average delays by half a sample
  const auto whole = static_cast<std::size_t>(period - 0.3);
  const double fraction = period - static_cast<double>(whole);
  const double allpass = (1 - fraction) / (1 + fraction);
  const double loss = std::pow(10.0, -3 / (1.4 * pitch_hz));          // 60 dB in 1.4 s
  const double damped_loss = std::pow(10.0, -3 / (0.08 * pitch_hz));  // ... and in 80 ms under the hand
  std::vector<double> string(whole);
  double smooth = 0;
  for (double& sample : string) sample = smooth += 0.6 * (noise() - smooth);  // a soft plectrum
  double last = 0, allpass_in = 0, allpass_out = 0;
  const std::size_t start = at_s(start_s, rate_hz), damp = start + at_s(held_s, rate_hz);
  for (std::size_t n = start, k = 0; n < out.size(); ++n, k = (k + 1) % whole) {
    const double sample = string[k];
    out[n] += gain * sample;
    const double average = 0.5 * (sample + last);
    last = sample;
    allpass_out = allpass * (average - allpass_out) + allpass_in;
    allpass_in = average;
    string[k] = (n < damp ? loss : damped_loss) * allpass_out;
  }
}

void snare(std::vector<double>& out, double rate_hz, double start_s, double gain, Noise& noise) {
  const double pole = std::exp(-2 * kPi * 700 / rate_hz);
  double low = 0;
  const std::size_t start = at_s(start_s, rate_hz);
  for (std::size_t n = start; n < std::min(out.size(), start + at_s(0.5, rate_hz)); ++n) {
    const double t = static_cast<double>(n - start) / rate_hz;
    const double white = noise();
    low = pole * low + (1 - pole) * white;
    const double rattle = (white - low) * std::exp(-t / 0.055);
    const double skin = (std::sin(2 * kPi * 187 * t) + 0.6 * std::sin(2 * kPi * 331 * t)) * std::exp(-t / 0.04);
    out[n] += gain * std::min(1.0, t / 0.0005) * (0.7 * rattle + 0.6 * skin);
  }
}

void click(std::vector<double>& out, double rate_hz, double start_s, double gain) {
  const std::size_t start = at_s(start_s, rate_hz), length = std::max<std::size_t>(2, at_s(0.0002, rate_hz));
  for (std::size_t k = 0; k < length && start + k < out.size(); ++k) {
    out[start + k] += gain * std::sin(kPi * (static_cast<double>(k) + 0.5) / static_cast<double>(length));
  }
}

}  // namespace

Audio make_dry_sound(double rate_hz, std::uint64_t seed) {
  if (!(rate_hz >= 8000 && rate_hz <= 384000)) {
    throw ContractError("make_dry_sound: rate " + std::to_string(rate_hz) + " Hz, expected 8000 to 384000 Hz");
  }
  std::vector<double> sound(at_s(kLength_s, rate_hz));
  Noise noise(seed);
  constexpr double kPitches_hz[] = {220.00, 329.63, 440.00, 523.25};  // A minor, upwards
  double start_s = 0.02;
  for (const double pitch_hz : kPitches_hz) {
    pluck(sound, rate_hz, start_s, 0.62 - start_s, pitch_hz, 0.5, noise);
    start_s += 0.13;
  }
  snare(sound, rate_hz, 1.3, 0.8, noise);
  click(sound, rate_hz, 2.3, 0.9);
  double peak = 0;
  for (const double sample : sound) peak = std::max(peak, std::abs(sample));
  const double gain = std::pow(10.0, -6.0 / 20) / peak;
  Audio out;
  out.rate_hz = rate_hz;
  out.channels.assign(1, std::vector<float>(sound.size()));
  for (std::size_t n = 0; n < sound.size(); ++n) out.channels[0][n] = static_cast<float>(gain * sound[n]);
  return out;
}

}  // namespace diffverb
