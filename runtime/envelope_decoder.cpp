#include "runtime/envelope_decoder.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/low_end.h"
#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr double kFadeInHz = 16;  // below it there is nothing to be heard
constexpr double kShortestSeconds = 0.04, kLongestSeconds = 12, kLargestRatio = 6;
constexpr double kLeastMix = 1e-5, kLargestMix = 0.9, kLargestEarlyDb = 12, kEarlyEndSeconds = 0.16;
constexpr double kLargestSpreadDb = 60;              // of a band below the loudest
constexpr double kLargestDirectDb = 35;              // of a direct sound above the loudest band
constexpr double kDecayPerT60 = 13.815510557964274;  // 6 ln 10
constexpr float kLargestOutput = 12;                 // beyond it a level would be 100 dB off
constexpr double kLongestSound = 12, kRangeDb = 70;
constexpr std::size_t kDirectSize = 4096;
constexpr std::size_t kVoiceShift = 40503;  // samples between the noises of two channels; odd, so that all differ

std::vector<float> dense(const DenseWeights& layer, const std::vector<float>& x) {
  std::vector<float> y(layer.bias);
  for (int row = 0; row < layer.outputs; ++row) {
    const float* weight = layer.weight.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(layer.inputs);
    double sum = 0;
    for (int i = 0; i < layer.inputs; ++i) sum += static_cast<double>(weight[i]) * x[static_cast<std::size_t>(i)];
    y[static_cast<std::size_t>(row)] += static_cast<float>(sum);
  }
  return y;
}

void leaky(std::vector<float>& x) {
  for (float& value : x) value = std::max(value, 0.1f * value);
}

double power(double db) { return std::pow(10.0, db / 10); }

double bounded(double x, double low, double high) {
  return std::exp(std::log(low) + std::log(high / low) / (1 + std::exp(-x)));
}

/// Gain in dB of the early energy at a time: linear between knots over the logarithm of time, 0 from 160 ms on.
double early_gain_db(const std::vector<double>& knots_s, const std::vector<double>& early_db, int band, int bands,
                     double t) {
  const auto place = [](double time) { return std::log(std::max(time, 0.002) / 0.004); };
  const auto gain = [&](std::size_t j) {
    return early_db[j * static_cast<std::size_t>(bands) + static_cast<std::size_t>(band)];
  };
  if (t >= kEarlyEndSeconds || knots_s.empty()) return 0;
  const double at = place(t);
  if (at <= place(knots_s.front())) return gain(0);
  for (std::size_t j = 0; j < knots_s.size(); ++j) {
    const bool last = j + 1 == knots_s.size();
    const double from = place(knots_s[j]), to = place(last ? kEarlyEndSeconds : knots_s[j + 1]);
    if (at > to) continue;
    const double share = (at - from) / (to - from);
    return (1 - share) * gain(j) + share * (last ? 0.0 : gain(j + 1));
  }
  return 0;
}

/// Power of a band's noise at a time, energy a second.
double density(const EnvelopeRoom& room, const std::vector<double>& knots_s, int k, double t, bool with_floor) {
  const auto b = static_cast<std::size_t>(k);
  const double r1 = kDecayPerT60 / room.t1_s[b], r2 = kDecayPerT60 / room.t2_s[b];
  const double decay = (1 - room.mix[b]) * r1 * std::exp(-r1 * t) + room.mix[b] * r2 * std::exp(-r2 * t);
  const double gain_db =
      room.level_db[b] + early_gain_db(knots_s, room.early_db, k, static_cast<int>(room.t1_s.size()), t);
  return power(gain_db) * decay + (with_floor ? power(room.floor_db[b]) : 0.0);
}

/// Times at which the envelope is computed; between them its logarithm is linear.
std::vector<double> envelope_times(double seconds) {
  std::vector<double> times;
  for (double t = 0; t < seconds; t += t < 0.2 ? 0.001 : 0.016) times.push_back(t);
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
    total += power(direct_db[k]);
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

double default_seconds(const EnvelopeRoom& room, const std::vector<double>& knots_s) {
  std::vector<double> start;
  const int bands = static_cast<int>(room.t1_s.size());
  double loudest = 0;
  for (int k = 0; k < bands; ++k) loudest = std::max(loudest, density(room, knots_s, k, kEarlyEndSeconds, false));
  double seconds = 0.2;
  for (; seconds < kLongestSound; seconds += 0.05) {
    double most = 0;
    for (int k = 0; k < bands; ++k) most = std::max(most, density(room, knots_s, k, seconds, false));
    if (most < loudest * power(-kRangeDb)) break;
  }
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
  x = dense(weights_->in, x);
  leaky(x);
  for (std::size_t i = 0; i < weights_->a.size(); ++i) {
    std::vector<float> inner = dense(weights_->a[i], x);
    leaky(inner);
    inner = dense(weights_->b[i], inner);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += inner[j];
  }
  std::vector<float> out = dense(weights_->out, x);
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

/// `own` [K]: how much of each band's noise is another voice's, as an amplitude; empty for none.
std::vector<float> EnvelopeDecoder::play(const EnvelopeRoom& room, const EnvelopeSound& sound, double seconds,
                                         std::span<const double> own) const {
  const double rate = weights_->sample_rate_hz;
  const auto frames = static_cast<std::size_t>(std::max(1LL, std::llround(seconds * rate)));
  const auto mask = static_cast<std::size_t>(weights_->noise_samples) - 1;
  const std::size_t shift = sound.voice * kVoiceShift;
  std::vector<float> out(frames, 0.0f), low_end(frames, 0.0f), band, mixed;
  const std::vector<double> times = envelope_times(seconds);
  // Noise that begins at once spreads over all frequencies: a thump, where the lowest bands hold less than the others.
  // What of a band, or of all high ones together, lies below its neighbour's centre is taken out.
  for (int k = weights_->bands() - 1; k >= 0; --k) {
    const float* noise = bands_.data() + static_cast<std::size_t>(k) * (mask + 1);
    const bool low = k < low_end_.bands();
    if (k + 1 == low_end_.bands()) high_pass(out, weights_->centres_hz[static_cast<std::size_t>(k)], rate);
    if (low) band.assign(frames, 0.0f);
    std::vector<float>& to_sound = low ? band : out;
    std::size_t from_shift = shift;
    if (!own.empty() && own[static_cast<std::size_t>(k)] > 0) {
      const auto other = static_cast<float>(own[static_cast<std::size_t>(k)]), same = std::sqrt(1 - other * other);
      mixed.resize(mask + 1);
      for (std::size_t n = 0; n <= std::min(mask, frames - 1); ++n)
        mixed[n] = same * noise[(n + shift) & mask] + other * noise[(n + shift + kVoiceShift) & mask];
      noise = mixed.data();
      from_shift = 0;
    }
    const auto amplitude = [&](double t) {
      return std::sqrt(density(room, weights_->knots_s, k, t, sound.with_floor) / rate) + 1e-30;
    };
    double from = amplitude(0);
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
      const double to = amplitude(times[i + 1]);
      const auto begin = static_cast<std::size_t>(std::llround(times[i] * rate));
      const auto end = std::min(frames, static_cast<std::size_t>(std::llround(times[i + 1] * rate)));
      if (end > begin) {
        const auto ratio = std::pow(to / from, 1.0 / static_cast<double>(end - begin));
        double gain = from;
        for (std::size_t n = begin; n < end; ++n, gain *= ratio)
          to_sound[n] += static_cast<float>(gain) * noise[(n + from_shift) & mask];
      }
      from = to;
    }
    if (!low) continue;
    if (k > 0) high_pass(band, weights_->centres_hz[static_cast<std::size_t>(k) - 1], rate);
    for (std::size_t n = 0; n < frames; ++n) low_end[n] += band[n];
  }
  low_end_.even(low_end, [&](int k, double t) { return density(room, weights_->knots_s, k, t, sound.with_floor); });
  for (std::size_t n = 0; n < frames; ++n) out[n] += low_end[n];
  const std::vector<double> direct = direct_sound(*weights_, room.direct_db);
  for (std::size_t n = 0; n < std::min(frames, direct.size()); ++n) out[n] += static_cast<float>(direct[n]);
  const auto gain = static_cast<float>(std::pow(10.0, sound.level_db / 20));
  for (float& value : out) value *= gain;
  return out;
}

std::vector<float> EnvelopeDecoder::sound_of(const EnvelopeRoom& room, const EnvelopeSound& sound) const {
  return play(room, sound, sound.seconds > 0 ? sound.seconds : default_seconds(room, weights_->knots_s), {});
}

std::array<std::vector<float>, 2> EnvelopeDecoder::sounds_of(const std::array<EnvelopeRoom, 2>& rooms, double width,
                                                             const EnvelopeSound& sound) const {
  double seconds = sound.seconds;
  if (!(seconds > 0)) {
    for (const EnvelopeRoom& room : rooms) seconds = std::max(seconds, default_seconds(room, weights_->knots_s));
  }
  std::vector<double> own;
  if (width != 0) {
    for (const double hz : weights_->centres_hz)
      own.push_back(std::sqrt(1 - std::pow(diffuse_coherence(hz, width), 2)));
  }
  return {play(rooms[0], sound, seconds, {}), play(rooms[1], sound, seconds, own)};
}

}  // namespace diffverb::runtime
