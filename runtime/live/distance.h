#pragma once

#include <vector>

#include "runtime/live/moving_delay.h"
#include "runtime/live/ramp.h"

namespace diffverb::runtime {

/// What a distance from the source does to the direct sound, compared with 1 m.
struct DirectPath {
  double gain = 1;   ///< 1 / distance; the reverberant level does not change
  double pole = 0;   ///< of the low-pass (1 - pole) / (1 - pole z^-1): loss in the air
  double gap_s = 0;  ///< from the direct sound to the first reflection, less that at 1 m; below 0 further away
};

/// Air at 20 degrees and 50 % humidity: 0.105 dB a metre at 8 kHz (ISO 9613-1). The gap is that of a reflection from the floor,
/// with source and listener 1.5 m above it.
DirectPath direct_path(double distance_m, double rate_hz);

/// Plays the direct sound of a distance that may change, without latency at 1 m.
class DirectSound {
 public:
  void prepare(double rate_hz, int channels, int smooth_samples);
  void reset() noexcept;
  /// Follows a distance, smoothly or at once.
  void aim(double distance_m, bool at_once) noexcept;
  /// In place.
  void process(float* const* channels, int frames) noexcept;
  /// What the reverberation is to be delayed by at the distance that was set: more than 0 below 1 m only.
  int gap_samples() const noexcept { return gap_samples_; }

 private:
  double rate_hz_ = 48000;
  int gap_samples_ = 0;
  Ramp gain_, pole_;
  MovingDelay delay_;
  std::vector<float> last_;  // [channels] of the low-pass
};

}  // namespace diffverb::runtime
