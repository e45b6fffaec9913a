#include "runtime/moving_responses.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "runtime/network_check.h"

namespace diffverb::runtime {
namespace {

constexpr int kMostResponses = 64, kMostSines = 1024;
constexpr long long kMostTaps = 1LL << 25;  // half of the largest file
constexpr double kHighestRate_hz = 1000, kMostTurns = 1e6;
constexpr double kTurn = 2 * std::numbers::pi;

}  // namespace

std::string check_moving(const MovingResponses& m, int outputs, int inputs) {
  if (m.count == 0) {
    return m.taps.empty() && m.means.empty() && m.sines.empty() ? std::string()
                                                                : "gains move, but there are no responses between them";
  }
  if (m.count < 0 || m.count > kMostResponses || m.samples < 1 || m.samples > NetworkLimits::kEarlySamples)
    return "tensor 'moving_early' has " + std::to_string(m.count) + " responses of " + std::to_string(m.samples) +
           " samples, expected 1 to " + std::to_string(kMostResponses) + " of 1 to " +
           std::to_string(NetworkLimits::kEarlySamples);
  const long long taps = 1LL * m.count * outputs * inputs * m.samples;
  if (taps > kMostTaps || m.taps.size() != static_cast<std::size_t>(taps))
    return "tensor 'moving_early' has " + std::to_string(m.taps.size()) + " values, expected " + std::to_string(taps) +
           ", at most " + std::to_string(kMostTaps);
  if (m.sines.size() > kMostSines)
    return "tensor 'moving_sines' has " + std::to_string(m.sines.size()) + " rows, expected at most " +
           std::to_string(kMostSines);
  if (std::string error = check_values("moving_early", m.taps, m.taps.size()); !error.empty()) return error;
  if (std::string error = check_values("moving_means", m.means, 2 * static_cast<std::size_t>(m.count)); !error.empty())
    return error;
  for (std::size_t i = 0; i < m.sines.size(); ++i) {
    const GainSine& sine = m.sines[i];
    const std::string where = "tensor 'moving_sines': sine " + std::to_string(i) + " ";
    if (sine.response < 0 || sine.response >= m.count)
      return where + "is of response " + std::to_string(sine.response) + ", of " + std::to_string(m.count);
    if (!(std::abs(sine.depth) <= NetworkLimits::kGain) || !(std::abs(sine.phase_turns) <= kMostTurns))
      return where + "has a depth or phase that is not a number within 1e6";
    if (!(sine.rate_hz >= 0 && sine.rate_hz <= kHighestRate_hz))
      return where + "has a rate of " + std::to_string(sine.rate_hz) + " Hz, expected 0 to 1000";
  }
  return {};
}

MovingGains::MovingGains(const MovingResponses& moving, double sample_rate_hz)
    : moving_(&moving), rate_hz_(sample_rate_hz) {
  const auto count = static_cast<std::size_t>(moving.count);
  before_.assign(count, 0.0);
  after_.assign(count, 0.0);
  for (const GainSine& sine : moving.sines) {
    const double angle = kTurn * sine.rate_hz / sample_rate_hz;
    rotors_.push_back({1, 0, std::cos(angle), std::sin(angle)});
  }
  reset();
}

void MovingGains::reset() noexcept { time_ = 0; }

bool MovingGains::is_still_after(int response) const {
  return std::none_of(moving_->sines.begin(), moving_->sines.end(),
                      [&](const GainSine& sine) { return sine.after && sine.response == response && sine.depth != 0; });
}

void MovingGains::step() noexcept {
  for (std::size_t r = 0; r < before_.size(); ++r) {
    before_[r] = moving_->means[2 * r];
    after_[r] = moving_->means[2 * r + 1];
  }
  const bool anchor = time_ % kAnchor == 0;
  for (std::size_t i = 0; i < rotors_.size(); ++i) {
    const GainSine& sine = moving_->sines[i];
    Rotor& rotor = rotors_[i];
    if (anchor) {
      const double turns = sine.rate_hz * (static_cast<double>(time_) / rate_hz_) + sine.phase_turns;
      const double angle = kTurn * (turns - std::floor(turns));
      rotor.re = std::cos(angle), rotor.im = std::sin(angle);
    } else {
      const double re = rotor.re * rotor.turn_re - rotor.im * rotor.turn_im;
      rotor.im = rotor.re * rotor.turn_im + rotor.im * rotor.turn_re;
      rotor.re = re;
    }
    (sine.after ? after_ : before_)[static_cast<std::size_t>(sine.response)] += sine.depth * rotor.im;
  }
  if (moving_->equal_power) {
    double power = kEqualPowerFloor;
    for (const double gain : before_) power += gain * gain;
    const double scale = 1 / std::sqrt(power);
    for (double& gain : before_) gain *= scale;
  }
  ++time_;
}

}  // namespace diffverb::runtime
