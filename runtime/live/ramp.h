#pragma once

namespace diffverb::runtime {

/// A value on its way to where it was set: a straight line over some samples, the same however the calls are cut.
class Ramp {
 public:
  void prepare(int samples, float value) {
    samples_ = samples > 0 ? samples : 1;
    jump(value);
  }
  void jump(float value) noexcept {
    value_ = target_ = value;
    left_ = 0;
  }
  void aim(float target) noexcept {
    if (target == target_) return;
    target_ = target;
    left_ = samples_;
    step_ = (target - value_) / static_cast<float>(samples_);
  }
  /// The value of the next sample.
  float next() noexcept {
    if (left_ > 0) value_ = --left_ == 0 ? target_ : value_ + step_;
    return value_;
  }
  /// The same `samples` further.
  float skip(int samples) noexcept {
    for (int n = 0; n < samples && left_ > 0; ++n) next();
    return value_;
  }
  float value() const noexcept { return value_; }
  bool is_moving() const noexcept { return left_ > 0; }

 private:
  float value_ = 0, target_ = 0, step_ = 0;
  int samples_ = 1, left_ = 0;
};

/// A signal times a ramp, in place.
inline void apply(Ramp& gain, float* const* channels, int count, int frames) noexcept {
  if (!gain.is_moving()) {
    const float g = gain.value();
    for (int c = 0; g != 1 && c < count; ++c) {
      for (int n = 0; n < frames; ++n) channels[c][n] *= g;
    }
    return;
  }
  for (int n = 0; n < frames; ++n) {
    const float g = gain.next();
    for (int c = 0; c < count; ++c) channels[c][n] *= g;
  }
}

}  // namespace diffverb::runtime
