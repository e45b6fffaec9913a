#include "runtime/envelope_decoder.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/band_density.h"
#include "runtime/decoder_kernels.h"
#include "runtime/low_end.h"
#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr double kFadeInHz = 16;  // below it there is nothing to be heard
constexpr double kShortestSeconds = 0.04, kLongestSeconds = 12, kLargestRatio = 6;
constexpr double kLeastMix = 1e-5, kLargestMix = 0.9, kLargestEarlyDb = 12;
constexpr double kLargestSpreadDb = 60;  // of a band below the loudest
constexpr double kLargestDirectDb = 35;  // of a direct sound above the loudest band
constexpr float kLargestOutput = 12;     // beyond it a level would be 100 dB off
constexpr double kLongestSound = 12, kRangeDb = 70;
constexpr double kShortestStep = 0.001, kLongestStep = 0.016, kFineUntil = 0.2;  // of the envelope, seconds
constexpr std::size_t kDirectSize = 4096;
constexpr std::size_t kVoiceShift = 40503;  // samples between the noises of two channels; odd, so that all differ

double bounded(double x, double low, double high) {
  return std::exp(std::log(low) + std::log(high / low) / (1 + std::exp(-x)));
}

/// Times at which the envelope is computed; between them its logarithm is linear.
std::vector<double> envelope_times(double seconds) {
  std::vector<double> times;
  for (double t = 0; t < seconds; t += t < kFineUntil ? kShortestStep : kLongestStep) times.push_back(t);
  times.push_back(seconds);
  return times;
}

/// The direct sound: a short minimum-phase filter with the bands' energies.
std::vector<double> direct_sound(const EnvelopeDecoderWeights& weights, const std::vector<double>& direct_db) {
  const double rate = weights.sample_rate_hz;
  const auto bands = weights.centres_hz.size();
  // Energy a hertz of each band, at its centre; linear between centres in dB over the logarithm of frequency.
  std::vector<double> places, levels;
  double total = 0;
  for (std::size_t k = 0; k < bands; ++k) {
    double width = 0;
    const double low = k == 0 ? 0 : weights.centres_hz[k - 1];
    const double high = k + 1 == bands ? rate / 2 : weights.centres_hz[k + 1];
    constexpr int kSteps = 256;
    for (int i = 0; i < kSteps; ++i) {
      const double w = band_weight(weights.centres_hz, static_cast<int>(k), low + (high - low) * (i + 0.5) / kSteps);
      width += w * w * (high - low) / kSteps;
    }
    places.push_back(std::log(weights.centres_hz[k]));
    levels.push_back(direct_db[k] * std::log(10.0) / 10 - std::log(width));
    total += power_of_db(direct_db[k]);
  }
  std::vector<std::complex<double>> cepstrum(kDirectSize);
  const double highest = *std::max_element(levels.begin(), levels.end());
  for (std::size_t i = 0; i < kDirectSize; ++i) {
    const double hz = static_cast<double>(std::min(i, kDirectSize - i)) * rate / kDirectSize;
    const double at = std::log(std::max(hz, 5.0));
    const auto next = static_cast<std::size_t>(std::upper_bound(places.begin(), places.end(), at) - places.begin());
    double level = next == 0 ? levels.front() : levels.back();
    if (next > 0 && next < bands) {
      const double share = (at - places[next - 1]) / (places[next] - places[next - 1]);
      level = (1 - share) * levels[next - 1] + share * levels[next];
    }
    level += 2 * std::log(std::clamp(hz, 0.5, kFadeInHz) / kFadeInHz);
    cepstrum[i] = 0.5 * std::max(level, highest - 23);  // 100 dB below the loudest is silence
  }
  transform(cepstrum, true);
  for (std::size_t i = 0; i < kDirectSize; ++i) {
    const bool once = i == 0 || i == kDirectSize / 2;
    cepstrum[i] *= (i > kDirectSize / 2 ? 0.0 : once ? 1.0 : 2.0) / kDirectSize;
  }
  transform(cepstrum, false);
  for (auto& value : cepstrum) value = std::exp(value);
  transform(cepstrum, true);
  std::vector<double> out(kDirectSize);
  double energy = 0;
  for (std::size_t i = 0; i < kDirectSize; ++i) energy += (out[i] = cepstrum[i].real()) * out[i];
  for (double& value : out) value *= std::sqrt(total / energy);
  return out;
}

double default_seconds(const BandDensity& density) {
  const auto loudest_at = [&](double seconds) {
    double most = 0;
    for (int k = 0; k < density.bands(); ++k) most = std::max(most, density(k, seconds));
    return most;
  };
  const double audible = loudest_at(BandDensity::kEarlyEndSeconds) * power_of_db(-kRangeDb);
  double seconds = 0.2;
  while (seconds < kLongestSound && loudest_at(seconds) >= audible) seconds += 0.05;
  return std::min(seconds, kLongestSound);
}

}  // namespace

double band_weight(const std::vector<double>& centres_hz, int k, double hz) {
  const double fade = k == 0 ? std::min(1.0, hz / kFadeInHz) : 1.0;
  const auto above = static_cast<int>(std::upper_bound(centres_hz.begin(), centres_hz.end(), hz) - centres_hz.begin());
  const int last = static_cast<int>(centres_hz.size());
  if (above == 0) return k == 0 ? fade : 0;
  if (above == last) return k == last - 1 ? fade : 0;
  if (k != above && k != above - 1) return 0;
  const double low = centres_hz[static_cast<std::size_t>(above - 1)],
               high = centres_hz[static_cast<std::size_t>(above)];
  const double x = (hz - low) / (high - low);
  const double v = std::pow(x, 4) * (35 - 84 * x + 70 * x * x - 20 * x * x * x);
  return fade * (k == above ? std::sin(std::numbers::pi / 2 * v) : std::cos(std::numbers::pi / 2 * v));
}

EnvelopeDecoder::EnvelopeDecoder(std::shared_ptr<const EnvelopeDecoderWeights> weights)
    : weights_(std::move(weights)), low_end_(weights_->centres_hz, weights_->sample_rate_hz) {
  const auto size = static_cast<std::size_t>(weights_->noise_samples);
  const double bin_hz = weights_->sample_rate_hz / static_cast<double>(size);
  std::vector<std::complex<double>> spectra[2];
  for (std::size_t parity = 0; parity < 2; ++parity) {
    const float* from = weights_->noise.data() + parity * size;
    spectra[parity].assign(from, from + size);
    transform(spectra[parity], false);
  }
  const int bands = weights_->bands();
  bands_.resize(static_cast<std::size_t>(bands) * size);
  // Two bands a transform: one becomes the real part, the other the imaginary one.
  for (int k = 0; k < bands; k += 2) {
    std::vector<std::complex<double>> both(size);
    double powers[2] = {0, 0};
    for (std::size_t i = 0; i < size; ++i) {
      const double hz = static_cast<double>(std::min(i, size - i)) * bin_hz;
      const double first = band_weight(weights_->centres_hz, k, hz);
      const double second = k + 1 < bands ? band_weight(weights_->centres_hz, k + 1, hz) : 0;
      powers[0] += first * first / static_cast<double>(size);
      powers[1] += second * second / static_cast<double>(size);
      if (first == 0 && second == 0) continue;
      both[i] = first * spectra[k % 2][i] + std::complex<double>(0, second) * spectra[(k + 1) % 2][i];
    }
    transform(both, true);
    for (int part = 0; part < 2 && k + part < bands; ++part) {
      const double scale = 1 / (static_cast<double>(size) * std::sqrt(powers[part]));
      float* to = bands_.data() + static_cast<std::size_t>(k + part) * size;
      for (std::size_t i = 0; i < size; ++i)
        to[i] = static_cast<float>(scale * (part == 0 ? both[i].real() : both[i].imag()));
    }
  }
}

EnvelopeRoom EnvelopeDecoder::room_of(std::span<const double> latent) const {
  std::vector<float> x;
  for (int i = 0; i < weights_->latent(); ++i) {
    const double value = static_cast<std::size_t>(i) < latent.size() ? latent[static_cast<std::size_t>(i)] : 0.0;
    x.push_back(static_cast<float>(std::clamp(value, -weights_->latent_bound, weights_->latent_bound)));
  }
  std::vector<const DenseWeights*> layers{&weights_->in};
  for (std::size_t i = 0; i < weights_->a.size(); ++i) layers.insert(layers.end(), {&weights_->a[i], &weights_->b[i]});
  layers.push_back(&weights_->out);
  std::vector<float> out = run_network(layers, x);
  // Weights may be so large that their sums are none.
  for (float& value : out) value = std::isnan(value) ? 0.0f : std::clamp(value, -kLargestOutput, kLargestOutput);
  const auto bands = static_cast<std::size_t>(weights_->bands());
  EnvelopeRoom room;
  for (std::size_t k = 0; k < bands; ++k) {
    const auto row = [&](std::size_t r) { return static_cast<double>(out[r * bands + k]); };
    room.level_db.push_back(-18 + 8 * row(0) - std::abs(std::log2(weights_->centres_hz[k] / 1000)));
    room.direct_db.push_back(-24 + 8 * row(1));
    room.t1_s.push_back(bounded(row(2), kShortestSeconds, kLongestSeconds));
    room.t2_s.push_back(std::min(kLongestSeconds, room.t1_s.back() * bounded(row(3) - 1, 1, kLargestRatio)));
    room.mix.push_back(bounded(row(4), kLeastMix, kLargestMix));
    room.floor_db.push_back(-65 + 15 * row(5));
  }
  const double loudest_db = *std::max_element(room.level_db.begin(), room.level_db.end());
  for (std::size_t k = 0; k < bands; ++k) {
    room.level_db[k] = std::max(room.level_db[k], loudest_db - kLargestSpreadDb);
    room.direct_db[k] = std::min(room.direct_db[k], loudest_db + kLargestDirectDb);
  }
  for (std::size_t i = 6 * bands; i < out.size(); ++i)
    room.early_db.push_back(kLargestEarlyDb * std::tanh(static_cast<double>(out[i]) / 4));
  return room;
}

/// Adds a band's noise between two moments, its amplitude a straight line in dB.
void EnvelopeDecoder::add_noise(int band, double own, std::size_t shift, const Segment& segment, double from, double to,
                                float* out) const {
  const std::size_t size = static_cast<std::size_t>(weights_->noise_samples), mask = size - 1;
  const float* noise = bands_.data() + static_cast<std::size_t>(band) * size;
  ShapedNoise shaped;
  shaped.same = static_cast<float>(std::sqrt(1 - own * own)), shaped.own = static_cast<float>(own);
  shaped.gain = from, shaped.ratio = std::pow(to / from, 1.0 / static_cast<double>(segment.end - segment.begin));
  for (std::size_t n = segment.begin; n < segment.end;) {
    const std::size_t at = (n + shift) & mask, other = (at + kVoiceShift) & mask;
    const std::size_t count = std::min({segment.end - n, size - at, own > 0 ? size - other : size});
    shaped.noise = noise + at, shaped.other = noise + other;
    add_shaped_noise(shaped, out + (n - segment.begin), static_cast<int>(count));
    shaped.gain *= std::pow(shaped.ratio, static_cast<double>(count));
    n += count;
  }
}

/// The noise of all bands: low ones, and the sum of the others.
/// `own` [K]: how much of each band's noise is another voice's, as an amplitude; empty for none.
std::array<std::vector<float>, 2> EnvelopeDecoder::noise_of(const BandDensity& density, std::size_t frames,
                                                            double seconds, std::size_t shift,
                                                            std::span<const double> own) const {
  const double rate = weights_->sample_rate_hz;
  const std::vector<double> times = envelope_times(seconds);
  std::array<std::vector<float>, 2> sounds{std::vector<float>(frames), std::vector<float>(frames)};
  // Noise that begins at once spreads over all frequencies: a thump, where the lowest bands hold less than the others.
  // What of a band, or of all high ones together, lies below its neighbour's centre is taken out.
  const auto low_bands = static_cast<std::size_t>(low_end_.bands());
  HighPass high_pass(std::span(weights_->centres_hz).first(low_bands), rate);
  const std::size_t stride = static_cast<std::size_t>(std::ceil(kLongestStep * rate)) + 1;
  std::vector<float> rows((low_bands + 1) * stride);
  const auto amplitude = [&](int k, double t) { return std::sqrt(density(k, t) / rate) + 1e-30; };
  std::vector<double> from;
  for (int k = 0; k < density.bands(); ++k) from.push_back(amplitude(k, 0));
  for (std::size_t i = 0; i + 1 < times.size(); ++i) {
    const Segment segment{static_cast<std::size_t>(std::llround(times[i] * rate)),
                          std::min(frames, static_cast<std::size_t>(std::llround(times[i + 1] * rate)))};
    std::fill(rows.begin(), rows.end(), 0.0f);
    for (int k = 0; k < density.bands(); ++k) {
      const auto b = static_cast<std::size_t>(k);
      const double to = amplitude(k, times[i + 1]);
      if (segment.end > segment.begin)
        add_noise(k, own.empty() ? 0.0 : own[b], shift, segment, from[b], to, &rows[std::min(b, low_bands) * stride]);
      from[b] = to;
    }
    if (segment.end <= segment.begin) continue;
    const auto count = static_cast<int>(segment.end - segment.begin);
    if (low_bands > 0) high_pass.run(rows.data() + stride, stride, count);
    for (std::size_t row = 0; row <= low_bands; ++row)
      add_scaled(1, &rows[row * stride], sounds[row < low_bands ? 0 : 1].data() + segment.begin, count);
  }
  return sounds;
}

std::vector<float> EnvelopeDecoder::play(const EnvelopeRoom& room, const EnvelopeSound& sound, double seconds,
                                         std::span<const double> own) const {
  const auto frames = static_cast<std::size_t>(std::max(1LL, std::llround(seconds * weights_->sample_rate_hz)));
  const BandDensity density(room, weights_->knots_s, sound.with_floor);
  auto [low_end, out] = noise_of(density, frames, seconds, sound.voice * kVoiceShift, own);
  low_end_.even(low_end, density);
  add_scaled(1, low_end.data(), out.data(), static_cast<int>(frames));
  const std::vector<double> direct = direct_sound(*weights_, room.direct_db);
  for (std::size_t n = 0; n < std::min(frames, direct.size()); ++n) out[n] += static_cast<float>(direct[n]);
  const auto gain = static_cast<float>(std::pow(10.0, sound.level_db / 20));
  for (float& value : out) value *= gain;
  return out;
}

std::vector<float> EnvelopeDecoder::sound_of(const EnvelopeRoom& room, const EnvelopeSound& sound) const {
  return play(room, sound,
              sound.seconds > 0 ? sound.seconds : default_seconds(BandDensity(room, weights_->knots_s, false)), {});
}

std::array<std::vector<float>, 2> EnvelopeDecoder::sounds_of(const std::array<EnvelopeRoom, 2>& rooms, double width,
                                                             const EnvelopeSound& sound) const {
  double seconds = sound.seconds;
  if (!(seconds > 0)) {
    for (const EnvelopeRoom& room : rooms)
      seconds = std::max(seconds, default_seconds(BandDensity(room, weights_->knots_s, false)));
  }
  std::vector<double> own;
  if (width != 0) {
    for (const double hz : weights_->centres_hz)
      own.push_back(std::sqrt(1 - std::pow(diffuse_coherence(hz, width), 2)));
  }
  return {play(rooms[0], sound, seconds, {}), play(rooms[1], sound, seconds, own)};
}

}  // namespace diffverb::runtime
