#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/live/preset.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// What a file plays as, one sound after the other.
class OfflinePlayer {
 public:
  virtual ~OfflinePlayer() = default;
  /// The rate of the sounds that it plays; 0: any.
  virtual double rate_hz() const = 0;
  /// The most channels that a sound may have.
  virtual int most_channels() const { return 8; }
  virtual int inputs() const = 0;
  virtual int outputs() const = 0;
  /// Before each sound: silence, and what depends on its rate and channels.
  /// Throws   RenderFailure
  virtual void start(double rate_hz, int channels) = 0;
  /// How long it rings on, s; after start().
  virtual double tail_s() = 0;
  /// in [inputs][frames] -> out [outputs][frames]
  virtual void process(const float* const* in, float* const* out, int frames) noexcept = 0;
};

/// A delay network, through the engine. It rings on until the energy that is to come has fallen by 60 dB, at most 30 s.
std::unique_ptr<OfflinePlayer> play_model(std::shared_ptr<const Model> model);
/// Two responses: a mono sound goes through both, a stereo sound's channels each through its own.
std::unique_ptr<OfflinePlayer> play_responses(std::array<std::vector<float>, 2> responses, double rate_hz);
/// A preset as a plug-in plays it, at the rate of the sound; a file that is given plays in place of the preset's.
/// Throws   RenderFailure 2 where the file is refused
std::unique_ptr<OfflinePlayer> play_preset(const Preset& preset, const std::filesystem::path& model);

}  // namespace diffverb::runtime
