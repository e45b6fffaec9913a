#include "runtime/live/tone_filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diffverb::runtime {
namespace {

constexpr double kHighest = 0.49;  // of the rate

/// Every coefficient of two sections together.
template <typename Combine>
StateVariable combined(const StateVariable& a, const StateVariable& b, Combine combine) {
  return {combine(a.q, b.q),   combine(a.p, b.p),   combine(a.r, b.r),
          combine(a.y0, b.y0), combine(a.y1, b.y1), combine(a.y2, b.y2)};
}

}  // namespace

void ToneFilter::prepare(PassKind kind, double rate_hz, int channels, int smooth_samples) {
  kind_ = kind;
  rate_hz_ = rate_hz;
  states_.assign(static_cast<std::size_t>(channels), {});
  log_hz_.prepare(smooth_samples, std::log(1000.0f));
  share_.prepare(smooth_samples, 0);
}

void ToneFilter::reset() noexcept { std::fill(states_.begin(), states_.end(), State{}); }

StateVariable ToneFilter::section(float log_hz) const noexcept {
  const double cutoff_hz = std::min(std::exp(static_cast<double>(log_hz)), kHighest * rate_hz_);
  return to_state_variable(cookbook_section(kind_, cutoff_hz, 0.5 * std::numbers::sqrt2, rate_hz_));
}

void ToneFilter::aim(double cutoff_hz, bool on) noexcept {
  const bool was_off = share_.value() == 0 && !share_.is_moving();
  if (was_off) {
    if (!on) return;
    jump(cutoff_hz, false);
    reset();
  }
  log_hz_.aim(static_cast<float>(std::log(cutoff_hz)));
  share_.aim(on ? 1.0f : 0.0f);
}

void ToneFilter::jump(double cutoff_hz, bool on) noexcept {
  log_hz_.jump(static_cast<float>(std::log(cutoff_hz)));
  share_.jump(on ? 1.0f : 0.0f);
  now_ = section(log_hz_.value());
  stepping_ = false;
  left_ = 0;
}

void ToneFilter::begin_grid() noexcept {
  left_ = kGrid;
  if (!log_hz_.is_moving()) {
    if (stepping_) now_ = section(log_hz_.value());
    stepping_ = false;
    return;
  }
  if (!stepping_) now_ = section(log_hz_.value());
  const StateVariable then = section(log_hz_.skip(kGrid));
  step_ = combined(then, now_, [](float a, float b) { return (a - b) / kGrid; });
  stepping_ = true;
}

void ToneFilter::process(float* const* channels, int frames) noexcept {
  if (share_.value() == 0 && !share_.is_moving()) return;
  for (int n = 0; n < frames; ++n) {
    if (left_ == 0) begin_grid();
    --left_;
    if (stepping_) now_ = combined(now_, step_, [](float a, float b) { return a + b; });
    const float share = share_.next();
    for (std::size_t c = 0; c < states_.size(); ++c) {
      State& s = states_[c];
      const float x = channels[c][n], d = x - s.s2, s1 = s.s1;
      const float y = now_.y0 * x + now_.y1 * s1 + now_.y2 * s.s2;
      s.s1 += now_.q * d - now_.p * s1;
      s.s2 += now_.r * d + now_.q * s1;
      channels[c][n] = x + share * (y - x);
    }
  }
}

}  // namespace diffverb::runtime
