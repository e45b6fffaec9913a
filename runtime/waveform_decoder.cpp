#include "runtime/waveform_decoder.h"

#include <algorithm>
#include <cmath>

#include "runtime/decoder_kernels.h"

namespace diffverb::runtime {
namespace {

constexpr float kSlope = 0.1f;
constexpr double kLongestSeconds = 12;
constexpr double kUsualRate = 11.5, kLargestFactor = 2.5, kUsualFloor = -9, kLargestGain = 4;  // as in training

/// Channels of frames; each row has room beyond its end, whatever that holds.
struct Frames {
  int channels = 0, frames = 0;
  std::size_t stride = 0;
  std::vector<float> values;  // [channels, stride]

  Frames(int c, int f)
      : channels(c),
        frames(f),
        stride(static_cast<std::size_t>(f + kRowPad)),
        values(static_cast<std::size_t>(c) * stride) {}
  float* row(int c) { return values.data() + static_cast<std::size_t>(c) * stride; }
  const float* row(int c) const { return values.data() + static_cast<std::size_t>(c) * stride; }
};

class Network {
 public:
  Network(const WaveformDecoderWeights& weights, std::vector<float> z) : weights_(weights), z_(std::move(z)) {}

  const WaveformTensor& tensor(const std::string& name) const { return weights_.decoder.find(name)->second; }
  bool has(const std::string& name) const { return weights_.decoder.count(name) > 0; }

  /// A layer's outputs for the latent point.
  std::vector<float> dense(const std::string& name) const {
    const WaveformTensor& weight = tensor(name + ".weight");
    std::vector<float> y = tensor(name + ".bias").values;
    const auto inputs = static_cast<std::size_t>(weight.shape[1]);
    for (std::size_t o = 0; o < y.size(); ++o) {
      double sum = 0;
      for (std::size_t i = 0; i < inputs; ++i) sum += static_cast<double>(weight.values[o * inputs + i]) * z_[i];
      y[o] += static_cast<float>(sum);
    }
    return y;
  }

  /// y += convolution of x, zeros beyond its ends.
  void convolve(const std::string& name, const Frames& x, int dilation, Frames& y) const {
    const WaveformTensor& weight = tensor(name + ".weight");
    const std::vector<float>& bias = tensor(name + ".bias").values;
    const int taps = weight.shape[2], reach = dilation * ((taps - 1) / 2);
    for (int o = 0; o < y.channels; ++o) {
      float* to = y.row(o);
      for (int f = 0; f < x.frames; ++f) to[f] += bias[static_cast<std::size_t>(o)];
    }
    const auto length = static_cast<std::size_t>(x.frames + 2 * reach + dilation + kRowPad);
    std::vector<float> padded(taps > 1 ? static_cast<std::size_t>(x.channels) * length : 0);
    std::vector<const float*> rows;
    for (int i = 0; i < x.channels; ++i) {
      const float* from = x.row(i);
      if (taps > 1) {
        float* copy = padded.data() + static_cast<std::size_t>(i) * length;
        std::copy_n(from, x.frames, copy + reach);
        from = copy;
      }
      for (int j = 0; j < taps; ++j) rows.push_back(from + j * dilation);
    }
    add_products(weight.values.data(), static_cast<int>(rows.size()), rows.data(), y.channels, y.row(0), y.stride,
                 x.frames);
  }

  /// x += W_out gate(W_d * ((1 + gamma) x + beta) + V c)
  void block(const std::string& name, int dilation, const Frames* condition, Frames& x) const {
    const std::vector<float> film = dense(name + ".film");
    Frames inner = x, gates(2 * x.channels, x.frames), out(x.channels, x.frames);
    for (int c = 0; c < x.channels; ++c) {
      const float scale = 1 + film[static_cast<std::size_t>(c)], shift = film[static_cast<std::size_t>(x.channels + c)];
      float* row = inner.row(c);
      for (int f = 0; f < x.frames; ++f) row[f] = scale * row[f] + shift;
    }
    convolve(name + ".dilated", inner, dilation, gates);
    if (condition) convolve(name + ".condition", *condition, 1, gates);
    for (int c = 0; c < x.channels; ++c) {
      gate(gates.row(c), gates.row(x.channels + c), inner.row(c), x.frames);
    }
    convolve(name + ".out", inner, 1, out);
    for (std::size_t n = 0; n < x.values.size(); ++n) x.values[n] += out.values[n];
  }

 private:
  const WaveformDecoderWeights& weights_;
  std::vector<float> z_;
};

void leaky(std::vector<float>& x) {
  for (float& value : x) value = std::max(value, kSlope * value);
}

/// Four times as many frames, linear between the centres of the old ones.
Frames grow(const Frames& x) {
  Frames y(x.channels, kWaveformGrowth * x.frames);
  for (int f = 0; f < y.frames; ++f) {
    const float at = std::max(0.0f, (static_cast<float>(f) + 0.5f) / kWaveformGrowth - 0.5f);
    const int low = std::min(static_cast<int>(at), x.frames - 1), high = std::min(low + 1, x.frames - 1);
    const float share = at - static_cast<float>(low);
    for (int c = 0; c < x.channels; ++c) y.row(c)[f] = (1 - share) * x.row(c)[low] + share * x.row(c)[high];
  }
  return y;
}

/// [channels][frames], frames at least 1024: the last of those that the network makes goes on.
Frames condition_of(const Network& network, int channels, int frames) {
  Frames c(channels, kWaveformSeedFrames);
  const std::vector<float> seed = network.dense("seed");
  for (int i = 0; i < channels; ++i)
    std::copy_n(seed.begin() + static_cast<std::ptrdiff_t>(i) * kWaveformSeedFrames, kWaveformSeedFrames, c.row(i));
  leaky(c.values);
  for (int stage = 1; stage <= kWaveformGrowthStages; ++stage) {
    c = grow(c);
    const std::string prefix = "growth" + std::to_string(stage) + ".block";
    for (int i = 1, dilation = 1; network.has(prefix + std::to_string(i) + ".out.bias"); ++i, dilation *= 4)
      network.block(prefix + std::to_string(i), dilation, nullptr, c);
  }
  Frames longer(channels, frames);
  for (int i = 0; i < channels; ++i) {
    std::copy_n(c.row(i), c.frames, longer.row(i));
    std::fill(longer.row(i) + c.frames, longer.row(i) + frames, c.row(i)[c.frames - 1]);
  }
  return longer;
}

/// Noise and a pulse at the onset through the conditioned blocks: what is added to the noise.
Frames wave_of(const Network& network, const Frames& noise, const Frames& c, int onset) {
  Frames input(noise.channels + 1, noise.frames), x(c.channels, noise.frames), u = noise;
  std::copy(noise.values.begin(), noise.values.end(), input.values.begin());
  input.row(noise.channels)[onset / kWaveformHop] = 1;
  network.convolve("in", input, 1, x);
  const std::string prefix = "wave.block";
  for (int i = 1, dilation = 1; network.has(prefix + std::to_string(i) + ".out.bias"); ++i, dilation *= 2)
    network.block(prefix + std::to_string(i), dilation, &c, x);
  leaky(x.values);
  network.convolve("out", x, 1, u);
  return u;
}

void apply_gain(const Network& network, const Frames& c, double rate_hz, int onset, bool with_floor, Frames& u) {
  const std::vector<float> level = network.dense("level"), rate = network.dense("rate"), floor = network.dense("floor");
  Frames gain(u.channels, u.frames);
  network.convolve("gain", c, 1, gain);
  for (int k = 0; k < u.channels; ++k) {
    const auto b = static_cast<std::size_t>(k);
    const double slope = kUsualRate * std::exp(kLargestFactor * std::tanh(rate[b] / kLargestFactor));
    for (int f = 0; f < u.frames; ++f) {
      const double frame = std::max(0.0, f + 0.5 - static_cast<double>(onset) / kWaveformHop);
      double log_gain = level[b] - slope * frame * kWaveformHop / rate_hz;
      const double lowest = floor[b] + kUsualFloor, high = std::max(log_gain, lowest), low = std::min(log_gain, lowest);
      if (with_floor) log_gain = high + std::log1p(std::exp(low - high));
      log_gain += kLargestGain * std::tanh(gain.row(k)[f] / kLargestGain);
      u.row(k)[f] *= static_cast<float>(std::exp(log_gain));
    }
  }
}

/// Every band's frames through its filter, from the onset on.
std::vector<float> synthesize(const WaveformTensor& filters, const Frames& u, int onset) {
  const int taps = filters.shape[2], padding = (taps - kWaveformHop) / 2;
  const int samples = kWaveformHop * u.frames;
  std::vector<float> all(static_cast<std::size_t>(samples + taps));
  for (int k = 0; k < u.channels; ++k) {
    const float* filter = filters.values.data() + static_cast<std::size_t>(k) * static_cast<std::size_t>(taps);
    for (int f = 0; f < u.frames; ++f) {
      float* to = all.data() + static_cast<std::size_t>(f) * kWaveformHop;
      add_scaled(u.row(k)[f], filter, to, taps);
    }
  }
  return {all.begin() + padding + onset, all.begin() + padding + samples};
}

}  // namespace

std::vector<float> WaveformDecoder::decode(std::span<const double> latent, const WaveformSound& sound) const {
  std::vector<float> z;
  for (std::size_t i = 0; i < static_cast<std::size_t>(weights_->latent()); ++i)
    z.push_back(static_cast<float>(
        i < latent.size() ? std::clamp(latent[i], -weights_->latent_bound, weights_->latent_bound) : 0.0));
  const Network network(*weights_, std::move(z));
  const int onset = weights_->onset_samples;
  const double seconds = std::clamp(sound.seconds, 0.0, kLongestSeconds);
  const auto samples = static_cast<int>(std::llround(seconds * weights_->sample_rate_hz));
  const int frames = std::max(kWaveformFrames, (samples + onset + kWaveformHop - 1) / kWaveformHop);
  // Voices beyond those of the file: their noise, some frames later.
  const auto voices = static_cast<std::size_t>(weights_->voices());
  const auto later = sound.voice / voices * kWaveformVoiceShift % kWaveformFrames;
  Frames noise(weights_->bands(), frames);
  const float* from =
      weights_->noise.values.data() + sound.voice % voices * static_cast<std::size_t>(noise.channels) * kWaveformFrames;
  for (int k = 0; k < noise.channels; ++k, from += kWaveformFrames) {
    for (int f = 0; f < frames; ++f) noise.row(k)[f] = from[(static_cast<std::size_t>(f) + later) % kWaveformFrames];
  }
  const Frames c = condition_of(network, weights_->channels(), frames);
  Frames u = wave_of(network, noise, c, onset);
  apply_gain(network, c, weights_->sample_rate_hz, onset, sound.with_floor, u);
  std::vector<float> out = synthesize(network.tensor("filters"), u, onset);
  if (samples > 0) out.resize(static_cast<std::size_t>(samples));
  const std::vector<float> early = network.dense("early");
  for (std::size_t n = 0; n < std::min(out.size(), early.size()); ++n) out[n] += early[n];
  double energy = 0;
  for (const float value : out) energy += static_cast<double>(value) * value;
  // Weights may be so large that their sums are none: silence then.
  const double gain = std::isfinite(energy) && energy > 0 ? std::pow(10.0, sound.level_db / 20) / std::sqrt(energy) : 0;
  for (float& value : out) value = gain > 0 ? static_cast<float>(gain * value) : 0.0f;
  return out;
}

}  // namespace diffverb::runtime
