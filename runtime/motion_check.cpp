#include "runtime/motion_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <numbers>

#include "runtime/network_check.h"

namespace diffverb::runtime {
namespace {

using Limits = NetworkLimits;

constexpr double kMostHz = 1000, kShortestDelay = 3;
constexpr double kAtRest = 1e-5;  // how well A and the matrices that turn must agree
constexpr std::size_t kMostMotions = 4096;

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

struct Range {
  const char* name;
  double value, low, high;
};

/// The first value that is outside its range, or not a number.
std::string check_ranges(const std::string& where, const std::initializer_list<Range>& ranges) {
  for (const Range& range : ranges) {
    if (range.value >= range.low && range.value <= range.high) continue;
    return where + range.name + " is " + text_of(range.value) + ", expected " + text_of(range.low) + " to " +
           text_of(range.high);
  }
  return {};
}

std::string check_delay_motions(const DelayNetworkWeights& w) {
  if (w.delay_motions.size() > kMostMotions)
    return "tensor 'delay_motions': " + std::to_string(w.delay_motions.size()) + " motions, expected at most " +
           std::to_string(kMostMotions);
  for (std::size_t i = 0; i < w.delay_motions.size(); ++i) {
    const DelayMotion& motion = w.delay_motions[i];
    const std::string where = "tensor 'delay_motions': motion " + std::to_string(i) + ": ";
    if (motion.line < 0 || motion.line >= w.lines)
      return where + "there is no line " + std::to_string(motion.line) + ", of " + std::to_string(w.lines);
    if (w.delays[static_cast<std::size_t>(motion.line)] == 0)
      return where + "line " + std::to_string(motion.line) + " is a filter and has no delay to move";
    if (std::string error =
            check_ranges(where, {{"depth_samples", motion.depth_samples, -Limits::kGain, Limits::kGain},
                                 {"rate_hz", motion.rate_hz, 0, kMostHz},
                                 {"phase_turns", motion.phase_turns, -Limits::kGain, Limits::kGain},
                                 {"noise_phase_turns", motion.noise_phase_turns, -Limits::kGain, Limits::kGain}});
        !error.empty())
      return error;
  }
  for (const DelayMotion& motion : w.delay_motions) {
    const double delay = w.delays[static_cast<std::size_t>(motion.line)], depth = w.depth_of(motion.line);
    const std::string where = "tensor 'delay_motions': line " + std::to_string(motion.line) + " of " + text_of(delay) +
                              " samples moves by " + text_of(depth) + ", ";
    if (delay - depth < kShortestDelay)
      return where + "expected that " + text_of(kShortestDelay) + " samples or more stay";
    if (delay + depth > Limits::kDelaySamples)
      return where + "expected at most " + std::to_string(Limits::kDelaySamples) + " samples together";
  }
  return {};
}

std::string check_pairs(const DelayNetworkWeights& w) {
  for (std::size_t p = 0; p < w.turning.size(); ++p) {
    const TurningPair& t = w.turning[p];
    if (std::string error = check_ranges("tensor 'turning': pair " + std::to_string(p) + ": ",
                                         {{"radius", t.radius, 0, Limits::kGain},
                                          {"radius_depth", t.radius_depth, 0, 1},
                                          {"radius_rate_hz", t.radius_rate_hz, 0, kMostHz},
                                          {"radius_phase_turns", t.radius_phase_turns, -Limits::kGain, Limits::kGain},
                                          {"angle_turns", t.angle_turns, -Limits::kGain, Limits::kGain},
                                          {"angle_depth_turns", t.angle_depth_turns, -Limits::kGain, Limits::kGain},
                                          {"angle_rate_hz", t.angle_rate_hz, 0, kMostHz},
                                          {"angle_phase_turns", t.angle_phase_turns, -Limits::kGain, Limits::kGain},
                                          {"turn_hz", t.turn_hz, -kMostHz, kMostHz}});
        !error.empty())
      return error;
  }
  return {};
}

/// A = turn_left T turn_right with T at rest.
std::string check_at_rest(const DelayNetworkWeights& w) {
  const auto n = static_cast<std::size_t>(w.lines);
  std::vector<double> turned(n * n), row(n);
  for (std::size_t p = 0; p < w.turning.size(); ++p) {
    const std::size_t a = 2 * p, b = a + 1;
    const bool alone = b == n;
    const double angle = 2 * std::numbers::pi * (alone ? 0 : w.turning[p].angle_turns);
    const double c = w.turning[p].radius * std::cos(angle), s = w.turning[p].radius * std::sin(angle);
    for (std::size_t k = 0; k < n; ++k) {
      const double x = w.turn_right[a * n + k], y = alone ? 0 : w.turn_right[b * n + k];
      turned[a * n + k] = c * x - s * y;
      if (!alone) turned[b * n + k] = s * x + c * y;
    }
  }
  for (std::size_t j = 0; j < n; ++j) {
    std::fill(row.begin(), row.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const double gain = w.turn_left[j * n + i];
      for (std::size_t k = 0; k < n; ++k) row[k] += gain * turned[i * n + k];
    }
    for (std::size_t k = 0; k < n; ++k) {
      if (std::abs(row[k] - static_cast<double>(w.A[j * n + k])) <= kAtRest) continue;
      return "tensor 'A': value " + std::to_string(j * n + k) + " is " + text_of(static_cast<double>(w.A[j * n + k])) +
             ", where the turning matrix at rest has " + text_of(row[k]) + ", expected the same";
    }
  }
  return {};
}

std::string check_turning(const DelayNetworkWeights& w) {
  const auto n = static_cast<std::size_t>(w.lines);
  const std::size_t size = w.turning.empty() ? 0 : n * n;
  if (!w.turning.empty() && w.turning.size() != (n + 1) / 2)
    return "tensor 'turning' has " + std::to_string(w.turning.size()) + " pairs, expected " +
           std::to_string((n + 1) / 2) + " of " + std::to_string(n) + " lines";
  for (std::string error :
       {check_values("turn_left", w.turn_left, size), check_values("turn_right", w.turn_right, size), check_pairs(w)}) {
    if (!error.empty()) return error;
  }
  return w.turning.empty() ? std::string() : check_at_rest(w);
}

}  // namespace

std::string check_motion(const DelayNetworkWeights& w) {
  const std::string error = check_delay_motions(w);
  return error.empty() ? check_turning(w) : error;
}

}  // namespace diffverb::runtime
