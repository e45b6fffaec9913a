#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

constexpr double kRateHz = 48000, kDecaySeconds = 1.6, kHighDecaySeconds = 0.7, kShelfHz = 3500, kLevel = 0.35;
constexpr std::array<std::int32_t, 16> kDelays = {601,  691,  773,  839,  953,  1049, 1151, 1249, 1361,
                                                  1471, 1583, 1709, 1847, 1993, 2153, 2333};  // primes, 13 to 49 ms

double line_gain(double delay, double decay_s) { return std::pow(10, -3 * delay / (kRateHz * decay_s)); }

/// A shelf of the first order that gives a line its decay times: `low` at 0 Hz, `high` at half the rate.
std::array<double, 5> shelf(double low, double high) {
  const double t = std::tan(std::numbers::pi * kShelfHz / kRateHz), a0 = 1 + t;
  return {(low * t + high) / a0, (low * t - high) / a0, 0, (t - 1) / a0, 0};
}

/// A feedback delay network of 16 lines with a Hadamard matrix; left and right come in and go out by signs of their own.
DelayNetworkWeights plain_room() {
  DelayNetworkWeights w;
  w.sample_rate_hz = kRateHz;
  w.lines = 16, w.inputs = w.outputs = 2, w.line_sections = 1;
  w.delays.assign(kDelays.begin(), kDelays.end());
  w.D.assign(4, 0.0f);
  w.C.resize(32);
  for (unsigned j = 0; j < 16; ++j) {
    for (unsigned k = 0; k < 16; ++k) w.A.push_back(std::popcount(j & k) % 2 == 0 ? 0.25f : -0.25f);
    for (unsigned side = 0; side < 2; ++side) {
      // Rows of different Walsh functions: the sides share no line's sign pattern.
      w.B.push_back(0.25f * (std::popcount(j & (side == 0 ? 3u : 12u)) % 2 == 0 ? 1.0f : -1.0f));
      const bool is_positive = std::popcount(j & (side == 0 ? 5u : 10u)) % 2 == 0;
      w.C[side * 16 + j] = static_cast<float>(is_positive ? kLevel : -kLevel);
    }
    const double delay = kDelays[j];
    const auto section = shelf(line_gain(delay, kDecaySeconds), line_gain(delay, kHighDecaySeconds));
    w.line_sos.insert(w.line_sos.end(), section.begin(), section.end());
  }
  return w;
}

}  // namespace

std::shared_ptr<const Source> built_in_source() {
  static const std::shared_ptr<const Source> room =
      make_network_source(make_model(plain_room()).model, "Plain room").source;
  return room;
}

}  // namespace diffverb::runtime
