#pragma once

#include <vector>

#include "runtime/biquad.h"
#include "runtime/live/ramp.h"

namespace diffverb::runtime {

/// A low-pass or high-pass of the second order, Q = 1 / sqrt 2, whose cutoff moves smoothly (evenly in octaves) and that is
/// faded in and out. A cutoff beyond 0.49 of the rate counts as there.
class ToneFilter {
 public:
  static constexpr int kGrid = 32;  // samples between two computations of coefficients

  void prepare(PassKind kind, double rate_hz, int channels, int smooth_samples);
  void reset() noexcept;
  void aim(double cutoff_hz, bool on) noexcept;
  /// Without smoothing.
  void jump(double cutoff_hz, bool on) noexcept;
  /// In place.
  void process(float* const* channels, int frames) noexcept;

 private:
  StateVariable section(float log_hz) const noexcept;
  void begin_grid() noexcept;

  PassKind kind_ = PassKind::kLowpass;
  double rate_hz_ = 48000;
  Ramp log_hz_, share_;
  StateVariable now_, step_;
  bool stepping_ = false;
  int left_ = 0;  // of the grid
  struct State {
    float s1 = 0, s2 = 0;
  };
  std::vector<State> states_;  // [channels]
};

}  // namespace diffverb::runtime
