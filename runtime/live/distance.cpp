#include "runtime/live/distance.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/live/controls.h"

namespace diffverb::runtime {
namespace {

constexpr double kSoundMetresPerSecond = 343, kHeightMetres = 1.5;
constexpr double kLossDbPerMetre = 0.1053, kLossHz = 8000, kLossPower = 1.83;  // of frequency, about

double gap_s(double distance_m) {
  return (std::hypot(distance_m, 2 * kHeightMetres) - distance_m) / kSoundMetresPerSecond;
}

}  // namespace

DirectPath direct_path(double distance_m, double rate_hz) {
  DirectPath path;
  path.gain = 1 / distance_m;
  path.gap_s = gap_s(distance_m) - gap_s(1);
  // The pole that gives the loss at one frequency: (1 - p)^2 / (1 - 2 p cos w + p^2) = power.
  const double hz = std::min(kLossHz, 0.4 * rate_hz);
  const double loss_db = std::max(0.0, distance_m - 1) * kLossDbPerMetre * std::pow(hz / kLossHz, kLossPower);
  const double power = std::pow(10, -loss_db / 10), cosine = std::cos(2 * std::numbers::pi * hz / rate_hz);
  if (power < 1) {
    const double b = (1 - power * cosine) / (1 - power);
    path.pole = b - std::sqrt(b * b - 1);
  }
  return path;
}

void DirectSound::prepare(double rate_hz, int channels, int smooth_samples) {
  rate_hz_ = rate_hz;
  gain_.prepare(smooth_samples, 1);
  pole_.prepare(smooth_samples, 0);
  last_.assign(static_cast<std::size_t>(channels), 0.0f);
  const double most_s = -direct_path(info(Control::kDistance).highest, rate_hz).gap_s;
  delay_.prepare(channels, static_cast<int>(std::ceil(most_s * rate_hz)), smooth_samples);
}

void DirectSound::reset() noexcept {
  std::fill(last_.begin(), last_.end(), 0.0f);
  delay_.reset();
}

void DirectSound::aim(double distance_m, bool at_once) noexcept {
  const DirectPath path = direct_path(distance_m, rate_hz_);
  const auto gain = static_cast<float>(path.gain), pole = static_cast<float>(path.pole);
  at_once ? gain_.jump(gain) : gain_.aim(gain);
  at_once ? pole_.jump(pole) : pole_.aim(pole);
  const int gap = static_cast<int>(std::lround(path.gap_s * rate_hz_)), delay = std::max(0, -gap);
  at_once ? delay_.jump(delay) : delay_.aim(delay);
  gap_samples_ = std::max(0, gap);
}

void DirectSound::process(float* const* channels, int frames) noexcept {
  const int count = static_cast<int>(last_.size());
  delay_.process(channels, frames);
  apply(gain_, channels, count, frames);
  if (!pole_.is_moving() && pole_.value() == 0) {
    for (int c = 0; c < count && frames > 0; ++c) last_[static_cast<std::size_t>(c)] = channels[c][frames - 1];
    return;
  }
  for (int n = 0; n < frames; ++n) {
    const float pole = pole_.next();
    for (int c = 0; c < count; ++c) {
      float& last = last_[static_cast<std::size_t>(c)];
      last = channels[c][n] + pole * (last - channels[c][n]);
      channels[c][n] = last;
    }
  }
}

}  // namespace diffverb::runtime
