#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/audio_file.h"
#include "runtime/stereo_width.h"

namespace diffverb {

/// A response as an autoencoder keeps it: a latent point for each channel, and what stands beside it.
struct EncodedRoom {
  double rate_hz = 0, seconds = 0;  // of what was encoded
  double onset_s = 0;               // of the first channel to begin
  struct Channel {
    std::vector<double> latent;
    double level_db = 0;  // energy of the response
    double onset_s = 0;
  };
  std::vector<Channel> channels;
};

/// An autoencoder in use: responses to latent points and back. What sounds is made by the runtime.
class RoomCoder {
 public:
  virtual ~RoomCoder() = default;

  /// Throws   DataError for a response without sound
  EncodedRoom encode(const Audio& response);
  /// The response as long, as loud and at the rate it was encoded from, its noise floor where the model keeps one.
  Audio decode(const EncodedRoom& room);
  /// A response from a latent point alone, without a noise floor: `channels` uncorrelated ones.
  virtual Audio imagine(const std::vector<double>& latent, double seconds, int channels) = 0;
  /// Left and right of a latent point (runtime/stereo_width.h); the same response twice where the width is 0.
  /// Throws   ConfigError where a model has no such pair
  virtual Audio imagine_pair(const std::vector<double>& latent, double seconds, const runtime::StereoWidth& width);

  virtual int latent() const = 0;
  virtual double latent_bound() const = 0;
  virtual double rate_hz() const = 0;

  /// Opens exported weights, or a run folder or model file of diffverb train or import-keras. Throws a DataError for
  /// another file.
  static std::unique_ptr<RoomCoder> open(const std::filesystem::path& weights);
  /// The file that open() reads: in a run folder the one that a finished training left. Throws a DataError where there
  /// is none.
  static std::filesystem::path file_of(const std::filesystem::path& weights);

 protected:
  /// A channel that is not silent, at rate_hz(); `voice`: of the noise that it will be played with.
  virtual EncodedRoom::Channel encode_channel(const std::vector<float>& samples, std::size_t voice) = 0;
  /// A channel from its onset on, at rate_hz(), as loud as it was, with its noise floor where the model keeps one.
  /// Where it is not `seconds` long, its end is cut or silent.
  virtual std::vector<float> play(const EncodedRoom::Channel& channel, double seconds, std::size_t voice) = 0;
};

inline constexpr int kRefinementSteps = 600, kWaveformRefinementSteps = 200;

struct ModelFile;
/// For envelope autoencoders, exported or as training wrote them: encoding ends with `refine_steps` steps of gradient
/// descent on the latent point itself, from where the encoder put it.
std::unique_ptr<RoomCoder> open_envelope_coder(const std::filesystem::path& weights,
                                               int refine_steps = kRefinementSteps);
std::unique_ptr<RoomCoder> open_envelope_coder(ModelFile file);
/// For waveform autoencoders, the same; each step makes the sound and compares it.
std::unique_ptr<RoomCoder> open_waveform_coder(const std::filesystem::path& weights,
                                               int refine_steps = kWaveformRefinementSteps);
std::unique_ptr<RoomCoder> open_waveform_coder(ModelFile file);
/// For spectral autoencoders: phases by averaged reflections (core/spectral/griffin_lim.h). A response is encoded from
/// its onset on, as many frames as the network takes; the rest of a longer one is lost.
std::unique_ptr<RoomCoder> open_spectral_coder(ModelFile file);

}  // namespace diffverb
