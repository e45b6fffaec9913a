#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/dense.h"
#include "runtime/low_end.h"
#include "runtime/stereo_width.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

class BandDensity;

/// A network from a latent point to a room, as a file of kind "autoencoder" holds it: what FORMAT.md calls an envelope
/// decoder.
///
/// The network's (dense.h) output o [6 + J, K] gives for each band k, in this order, level, direct sound, first and second decay time, mix, noise
/// floor and J early gains (room_of()). The noise is two sequences that repeat, one for even bands and one for odd,
/// whose energy was made even in every band beforehand.
struct EnvelopeDecoderWeights {
  double sample_rate_hz = 0;
  double latent_bound = 2;  ///< latent coordinates lie in [-latent_bound, latent_bound]
  DenseWeights in, out;
  std::vector<DenseWeights> a, b;     // of the residual blocks
  std::vector<double> centres_hz;     // [K] rising
  std::vector<double> knots_s;        // [J] rising
  int noise_samples = 0;              // N, a power of two
  std::vector<float> noise;           // [2, N], unit power
  std::string provenance = "{}";      ///< JSON text of an object
  std::string config;                 ///< YAML that makes the model again, with its encoder
  std::vector<DenseWeights> encoder;  // in, a, b, a, b, ..., out: see envelope_encoder.h
  /// All of the file's metadata; empty for weights that were made in memory.
  std::map<std::string, std::string, std::less<>> metadata;

  int latent() const { return in.inputs; }
  int bands() const { return static_cast<int>(centres_hz.size()); }
  int knots() const { return static_cast<int>(knots_s.size()); }
};

/// What a latent point means; energies relative to a response of unit energy. See models/envelope/parameters.h.
struct EnvelopeRoom {
  std::vector<double> level_db, direct_db, t1_s, t2_s, mix, floor_db;  // [K]
  std::vector<double> early_db;                                        // [J, K]
};

/// How a room is made to sound.
struct EnvelopeSound {
  double seconds = 0;       // 0: until every band has fallen by 70 dB from the loudest, at most 12 s
  double level_db = 0;      // of the whole response's energy
  bool with_floor = false;  // also the noise floor of what was encoded
  std::size_t voice = 0;    // another number: the same room, uncorrelated (another channel)
};

/// Turns latent points into impulse responses, without phase reconstruction: noise in bands, shaped.
///
/// The constructor splits the noise (a fifth of a second, K N floats of memory); decode() takes a few milliseconds a
/// second of sound and may run on any thread.
class EnvelopeDecoder {
 public:
  /// Weights that were checked: from load_envelope_decoder.
  explicit EnvelopeDecoder(std::shared_ptr<const EnvelopeDecoderWeights> weights);

  /// Latent coordinates beyond the bound are taken as on it.
  EnvelopeRoom room_of(std::span<const double> latent) const;
  std::vector<float> sound_of(const EnvelopeRoom& room, const EnvelopeSound& sound) const;
  std::vector<float> decode(std::span<const double> latent, const EnvelopeSound& sound) const {
    return sound_of(room_of(latent), sound);
  }
  /// Left and right, equally long. The left one is what sound_of() gives of its room.
  std::array<std::vector<float>, 2> sounds_of(const std::array<EnvelopeRoom, 2>& rooms, double width,
                                              const EnvelopeSound& sound) const;
  std::array<std::vector<float>, 2> decode_pair(std::span<const double> latent, const StereoWidth& width,
                                                const EnvelopeSound& sound) const {
    const auto points = stereo_points(latent, weights_->latent_bound, width);
    return sounds_of({room_of(points[0]), room_of(points[1])}, width.width, sound);
  }
  const EnvelopeDecoderWeights& weights() const { return *weights_; }

 private:
  struct Segment {
    std::size_t begin, end;  // samples
  };
  std::vector<float> play(const EnvelopeRoom& room, const EnvelopeSound& sound, double seconds,
                          std::span<const double> own) const;
  std::array<std::vector<float>, 2> noise_of(const BandDensity& density, std::size_t frames, double seconds,
                                             std::size_t shift, std::span<const double> own) const;
  void add_noise(int band, double own, std::size_t shift, const Segment& segment, double from, double to,
                 float* out) const;

  std::shared_ptr<const EnvelopeDecoderWeights> weights_;
  LowEnd low_end_;
  std::vector<float> bands_;  // [K, N], unit power
};

/// A decoder's weights, or the reason why there are none.
struct EnvelopeDecoderResult {
  std::shared_ptr<const EnvelopeDecoderWeights> weights;
  std::string error;  ///< empty exactly when `weights` is there

  explicit operator bool() const { return weights != nullptr; }
};

/// Reads and checks a file of kind "autoencoder", as strictly as load_model. Nothing is thrown.
EnvelopeDecoderResult load_envelope_decoder(const std::filesystem::path& path);
/// The same for a file's bytes; they need not live on.
EnvelopeDecoderResult load_envelope_decoder(std::span<const std::uint8_t> file);
/// The bytes of a decoder's file, checked as load_envelope_decoder would.
SerializedWeights serialize_envelope_decoder(const EnvelopeDecoderWeights& weights, const Metadata& metadata = {});

/// Amplitude of band k at a frequency (Meyer's crossfade between centres); squares add up to 1 over the bands.
double band_weight(const std::vector<double>& centres_hz, int k, double hz);

}  // namespace diffverb::runtime
