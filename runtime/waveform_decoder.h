#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// What every file of kind "waveform_autoencoder" has in common.
inline constexpr int kWaveformHop = 32, kWaveformFrames = 1024, kWaveformSamples = kWaveformHop * kWaveformFrames;
inline constexpr int kWaveformSeedFrames = 16, kWaveformGrowth = 4, kWaveformGrowthStages = 3;
inline constexpr int kWaveformVoiceShift = 97;  // frames by which the noise of further voices is turned

/// F32 values with their shape.
struct WaveformTensor {
  std::vector<int> shape;
  std::vector<float> values;
};

/// A network from a latent point and noise to two seconds of sound: dilated gated convolutions, as
/// models/waveform/networks.h says. Tensors by name: "seed.weight" [16 C, L, 1], "growth1.block1.dilated.weight"
/// [2 C, C, 3], ..., "wave.block1.condition.weight" [2 C, C, 1], ..., "filters" [K, 1, taps]. Block i of a growth stage
/// has dilation 4^(i-1), block i of the wave 2^(i-1).
struct WaveformDecoderWeights {
  double sample_rate_hz = 0;
  double latent_bound = 2;
  int onset_samples = 0;  ///< of the 32768: nothing sounds before
  std::map<std::string, WaveformTensor, std::less<>> decoder;
  std::map<std::string, WaveformTensor, std::less<>> encoder;  // carried along, not played
  WaveformTensor noise;                                        // [voices, K, 1024], white, unit power
  std::string provenance = "{}";                               ///< JSON text of an object
  std::string config;                                          ///< YAML that makes the model again
  /// All of the file's metadata; empty for weights that were made in memory.
  std::map<std::string, std::string, std::less<>> metadata;

  int latent() const { return decoder.at("seed.weight").shape[1]; }
  int channels() const { return decoder.at("seed.weight").shape[0] / kWaveformSeedFrames; }
  int bands() const { return decoder.at("filters").shape[0]; }
  int taps() const { return decoder.at("filters").shape[2]; }
  int voices() const { return noise.shape[0]; }
};

/// How a point is made to sound.
struct WaveformSound {
  double seconds = 0;       // from the onset on; 0: two seconds, all that the network was trained on; at most 12
  double level_db = 0;      // of the whole response's energy
  bool with_floor = false;  // also the noise floor of what was encoded
  std::size_t voice = 0;    // another number: the same room, other noise
};

/// Turns latent points into responses from their onset on. Beyond two seconds the condition c stays what it was in its
/// last frame, the noise begins again, and every band goes on to fall at its rate. decode() takes some milliseconds a
/// second and may run on any thread.
class WaveformDecoder {
 public:
  /// Weights that were checked: from load_waveform_decoder.
  explicit WaveformDecoder(std::shared_ptr<const WaveformDecoderWeights> weights) : weights_(std::move(weights)) {}

  /// Latent coordinates beyond the bound are taken as on it.
  std::vector<float> decode(std::span<const double> latent, const WaveformSound& sound) const;
  const WaveformDecoderWeights& weights() const { return *weights_; }

 private:
  std::shared_ptr<const WaveformDecoderWeights> weights_;
};

/// A decoder's weights, or the reason why there are none.
struct WaveformDecoderResult {
  std::shared_ptr<const WaveformDecoderWeights> weights;
  std::string error;  ///< empty exactly when `weights` is there

  explicit operator bool() const { return weights != nullptr; }
};

/// Reads and checks a file of kind "waveform_autoencoder", as strictly as load_model. Nothing is thrown.
WaveformDecoderResult load_waveform_decoder(const std::filesystem::path& path);
/// The same for a file's bytes; they need not live on.
WaveformDecoderResult load_waveform_decoder(std::span<const std::uint8_t> file);
/// The bytes of a decoder's file, checked as load_waveform_decoder would.
SerializedWeights serialize_waveform_decoder(const WaveformDecoderWeights& weights);

}  // namespace diffverb::runtime
