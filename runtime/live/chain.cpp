#include "runtime/live/chain.h"

#include <algorithm>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr double kSmoothSeconds = 0.02;
constexpr float kLoudest = 1e9f;

double amplitude(double db) { return std::pow(10.0, db / 20); }

}  // namespace

void Chain::prepare(double rate_hz, int inputs, int outputs) {
  rate_hz_ = rate_hz;
  inputs_ = inputs, outputs_ = outputs;
  const int smooth = static_cast<int>(std::lround(kSmoothSeconds * rate_hz));
  gain_.prepare(smooth, 1);
  mix_.prepare(smooth, 1);
  freeze_.prepare(rate_hz, outputs);
  highpass_.prepare(PassKind::kHighpass, rate_hz, outputs, smooth);
  lowpass_.prepare(PassKind::kLowpass, rate_hz, outputs, smooth);
  direct_.prepare(rate_hz, outputs, smooth);
  const double most_s = info(Control::kPredelay).highest / 1000 + 0.01;  // and the gap at the shortest distance
  predelay_.prepare(outputs, static_cast<int>(std::ceil(most_s * rate_hz)), smooth);
}

void Chain::aim(const ControlValues& values, bool at_once) noexcept {
  const auto set = [&](Ramp& ramp, double value) {
    at_once ? ramp.jump(static_cast<float>(value)) : ramp.aim(static_cast<float>(value));
  };
  const auto set_filter = [&](ToneFilter& filter, Control on, Control cutoff) {
    const bool is_on = at(values, on) >= 0.5;
    at_once ? filter.jump(at(values, cutoff), is_on) : filter.aim(at(values, cutoff), is_on);
  };
  set(gain_, amplitude(at(values, Control::kInputGain)));
  set(mix_, at(values, Control::kMix) / 100);
  set_filter(highpass_, Control::kHighpassOn, Control::kHighpass);
  set_filter(lowpass_, Control::kLowpassOn, Control::kLowpass);
  direct_.aim(at(values, Control::kDistance), at_once);
  const double predelay = std::round(at(values, Control::kPredelay) / 1000 * rate_hz_);
  const int delay = static_cast<int>(predelay) + direct_.gap_samples();
  at_once ? predelay_.jump(delay) : predelay_.aim(delay);
  is_frozen_ = at(values, Control::kFreeze) >= 0.5;
}

void Chain::reset() noexcept {
  freeze_.reset();
  highpass_.reset();
  lowpass_.reset();
  predelay_.reset();
  direct_.reset();
}

Chain::Heard Chain::take(const float* const* in, int offset, int frames) noexcept {
  Heard heard;
  for (int c = 0; c < inputs_; ++c) {
    float* dry = dry_rows_[c];
    for (int n = 0; n < frames; ++n) {
      const float x = in[c][offset + n];
      const bool is_sound = std::abs(x) <= kLoudest;  // false for NaN
      dry[n] = is_sound ? x : 0.0f;
      heard.cleared += is_sound ? 0 : 1;
      heard.peak = std::max(heard.peak, std::abs(dry[n]));
    }
    std::copy_n(dry, frames, sent_rows_[c]);
  }
  apply(gain_, sent_rows_, inputs_, frames);
  return heard;
}

void Chain::finish(float* const* out, int offset, int frames) noexcept {
  freeze_.process(wet_rows_, frames, is_frozen_);
  highpass_.process(wet_rows_, frames);
  lowpass_.process(wet_rows_, frames);
  predelay_.process(wet_rows_, frames);
  float *left = dry_rows_[0], *right = dry_rows_[1];
  if (inputs_ == 1 && outputs_ == 2) std::copy_n(left, frames, right);
  if (inputs_ == 2 && outputs_ == 1) {
    for (int n = 0; n < frames; ++n) left[n] = 0.5f * (left[n] + right[n]);
  }
  direct_.process(dry_rows_, frames);
  const auto mixed = [&](float mix, int o, int n) { return (1 - mix) * dry_rows_[o][n] + mix * wet_rows_[o][n]; };
  if (mix_.is_moving()) {
    for (int n = 0; n < frames; ++n) {
      const float mix = mix_.next();
      for (int o = 0; o < outputs_; ++o) out[o][offset + n] = mixed(mix, o, n);
    }
    return;
  }
  for (int o = 0; o < outputs_; ++o) {
    for (int n = 0; n < frames; ++n) out[o][offset + n] = mixed(mix_.value(), o, n);
  }
}

}  // namespace diffverb::runtime
