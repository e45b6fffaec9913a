#pragma once

#include <vector>

#include "runtime/biquad.h"
#include "runtime/live/ramp.h"

namespace diffverb::runtime {

/// A low-pass or high-pass of the second order, Q = 1 / sqrt 2, whose cutoff moves smoothly (evenly in octaves) and that is
/// faded in and out. A cutoff beyond 0.49 of the rate counts as there.
/// Source: Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"
class ToneFilter {
 public:
  enum class Kind { kLowpass, kHighpass };
  static constexpr int kGrid = 32;  // samples between two computations of coefficients

  void prepare(Kind kind, double rate_hz, int channels, int smooth_samples);
  void reset() noexcept;
  void aim(double cutoff_hz, bool on) noexcept;
  /// Without smoothing.
  void jump(double cutoff_hz, bool on) noexcept;
  /// In place.
  void process(float* const* channels, int frames) noexcept;

 private:
  StateVariable section(float log_hz) const noexcept;
  void begin_grid() noexcept;

  Kind kind_ = Kind::kLowpass;
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

/// The cookbook's section.
Biquad cookbook_section(ToneFilter::Kind kind, double cutoff_hz, double rate_hz);

}  // namespace diffverb::runtime
