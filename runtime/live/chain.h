#pragma once

#include <array>
#include <cstddef>

#include "runtime/live/controls.h"
#include "runtime/live/distance.h"
#include "runtime/live/freeze.h"
#include "runtime/live/moving_delay.h"
#include "runtime/live/placed_voice.h"
#include "runtime/live/ramp.h"
#include "runtime/live/tone_filter.h"

namespace diffverb::runtime {

/// What the audio thread of a LiveReverb does before and behind its voices: the diagram in live_reverb.h, block by block.
/// prepare() allocates everything.
class Chain {
 public:
  static constexpr int kBlock = PlacedVoice::kBlock;
  static constexpr int kMostChannels = 2;

  void prepare(double rate_hz, int inputs, int outputs);
  /// Follows the controls, smoothly or at once.
  void aim(const ControlValues& values, bool at_once) noexcept;
  void reset() noexcept;

  /// What was heard of a block's input.
  struct Heard {
    float peak = 0;
    int cleared = 0;  ///< samples that were not finite or beyond 1e9, taken as silence
  };
  /// Frames `offset` .. `offset + frames` of the host's input; frames <= kBlock.
  Heard take(const float* const* in, int offset, int frames) noexcept;
  const float* const* sent() const noexcept { return sent_rows_; }  ///< [inputs][kBlock] what the voices hear
  float* const* wet() noexcept { return wet_rows_; }                ///< [outputs][kBlock] where they put their sound
  /// Everything behind the voices, to the host's output.
  void finish(float* const* out, int offset, int frames) noexcept;

 private:
  using Block = std::array<std::array<float, kBlock>, kMostChannels>;

  double rate_hz_ = 0;
  int inputs_ = 0, outputs_ = 0;
  bool is_frozen_ = false;
  Ramp gain_, mix_;
  Freeze freeze_;
  ToneFilter highpass_, lowpass_;
  MovingDelay predelay_;
  DirectSound direct_;
  Block dry_{}, sent_{}, wet_{};
  float* dry_rows_[kMostChannels] = {dry_[0].data(), dry_[1].data()};
  float* sent_rows_[kMostChannels] = {sent_[0].data(), sent_[1].data()};
  float* wet_rows_[kMostChannels] = {wet_[0].data(), wet_[1].data()};
};

}  // namespace diffverb::runtime
