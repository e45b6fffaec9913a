#include "runtime/stability.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <numbers>
#include <queue>

#include "runtime/biquad.h"
#include "runtime/network_graph.h"
#include "runtime/reference.h"
#include "runtime/spectral_norm.h"

namespace diffverb::runtime {
namespace {

/// Just enough of a margin for the engine's single precision.
constexpr double kLimit = 1 - 1e-7;
/// What single precision makes of a loop that keeps its energy.
constexpr double kLosslessLimit = 1 + 2e-6;

/// The same of a loop whose matrix turns, a product of two in single precision.
constexpr double kLosslessTurning = 1 + 1e-5;

/// What a loop full of noise must fall to: 180 dB.
constexpr double kSilence = 1e-9;

/// Two digits behind the point.
std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

/// |B(e^jw)|^2 as a polynomial c0 + c1 x + c2 x^2 in x = sin^2(w/2).
struct Quadratic {
  double c0, c1, c2;
  double at(double x) const { return c0 + x * (c1 + x * c2); }
};

Quadratic square_of(double b0, double b1, double b2) {
  const double sum = b0 + b1 + b2;
  return {sum * sum, -4 * (b0 * b1 + b1 * b2 + 4 * b0 * b2), 16 * b0 * b2};
}

/// |H(e^jw)|^2 of one section over x = sin^2(w/2).
struct Magnitude {
  Quadratic n, d;

  explicit Magnitude(const Biquad& f) : n(square_of(f.b0, f.b1, f.b2)), d(square_of(1, f.a1, f.a2)) {}

  double at(double x) const { return n.at(x) / d.at(x); }

  /// The exact maximum over [x0, x1]: at an end, or where n' d = n d', which is quadratic in x.
  double max_over(double x0, double x1) const {
    double best = std::max(at(x0), at(x1));
    const double a = n.c2 * d.c1 - n.c1 * d.c2, b = 2 * (n.c2 * d.c0 - n.c0 * d.c2), c = n.c1 * d.c0 - n.c0 * d.c1;
    const double root = b * b - 4 * a * c;
    if (root < 0) return best;
    const double s = -0.5 * (b + std::copysign(std::sqrt(root), b));
    for (const double x : {s / a, c / s}) {
      if (x > x0 && x < x1) best = std::max(best, at(x));
    }
    return best;
  }
};

double gain_at(const std::vector<Magnitude>& sections, double x) {
  double product = 1;
  for (const Magnitude& section : sections) product *= section.at(x);
  return std::sqrt(product);
}

double gain_bound(const std::vector<Magnitude>& sections, double x0, double x1) {
  double product = 1;
  for (const Magnitude& section : sections) product *= section.max_over(x0, x1);
  return std::sqrt(product);
}

std::vector<Magnitude> magnitudes(const Biquad* sections, int count) { return {sections, sections + count}; }

/// Ends of the intervals in x: fine in octaves at the bottom (x ~ f^2), so that low-frequency sections are resolved.
std::vector<double> interval_ends() {
  std::vector<double> ends{0.0};
  for (double x = 1e-9; x < 0.2; x *= 1.25) ends.push_back(x);
  for (double x = 0.2; x < 1; x += 0.02) ends.push_back(x);
  ends.push_back(1.0);
  return ends;
}

double peak_gain(const std::vector<Magnitude>& sections) {
  struct Piece {
    double bound, x0, x1;
    bool operator<(const Piece& other) const { return bound < other.bound; }
  };
  std::priority_queue<Piece> pieces;
  double reached = 0;
  const std::vector<double> ends = interval_ends();
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    pieces.push({gain_bound(sections, ends[i], ends[i + 1]), ends[i], ends[i + 1]});
    reached = std::max(reached, gain_at(sections, ends[i + 1]));
  }
  for (int split = 0; split < 20000 && pieces.top().bound > reached * (1 + 1e-6); ++split) {
    const Piece piece = pieces.top();
    pieces.pop();
    const double middle = 0.5 * (piece.x0 + piece.x1);
    reached = std::max(reached, gain_at(sections, middle));
    pieces.push({gain_bound(sections, piece.x0, middle), piece.x0, middle});
    pieces.push({gain_bound(sections, middle, piece.x1), middle, piece.x1});
  }
  return pieces.top().bound;
}

/// One group with its matrix and the magnitudes of its line filters.
struct Group {
  std::vector<double> a;  // [n, n]
  std::vector<std::vector<Magnitude>> filters;
  std::vector<double> peaks;
  int n = 0;
};

/// What reading at a place that moves away does to the energy, as a gain: 1 / sqrt(1 - speed), speed in samples a sample.
/// A slow one gives back what it took, as slowly.
double motion_gain(const DelayNetworkWeights& w, int line) {
  constexpr double kSlow = 0.02, kTooFast = 0.999, kNoBound = 1e3;
  double speed = 0;
  for (const DelayMotion& motion : w.delay_motions) {
    if (motion.line == line)
      speed += 2 * std::numbers::pi * std::abs(motion.depth_samples) * motion.rate_hz / w.sample_rate_hz;
  }
  if (speed <= kSlow) return 1;
  return speed < kTooFast ? 1 / std::sqrt(1 - speed) : kNoBound;
}

Group make_group(const DelayNetworkWeights& w, const std::vector<int>& lines) {
  Group group;
  group.n = static_cast<int>(lines.size());
  for (const int j : lines) {
    for (const int k : lines)
      group.a.push_back(
          motion_gain(w, k) *
          w.A[static_cast<std::size_t>(j) * static_cast<std::size_t>(w.lines) + static_cast<std::size_t>(k)]);
    std::vector<Biquad> sections;
    for (int k = 0; k < w.line_sections; ++k) sections.push_back(w.line_section(j, k));
    group.filters.push_back(magnitudes(sections.data(), w.line_sections));
    group.peaks.push_back(peak_gain(group.filters.back()));
  }
  return group;
}

std::vector<double> scale_columns(const std::vector<double>& a, const std::vector<double>& gains) {
  std::vector<double> m = a;
  for (std::size_t i = 0; i < m.size(); ++i) m[i] *= gains[i % gains.size()];
  return m;
}

/// ||M diag(g)||_2 < limit first for the largest gains, then interval by interval.
bool small_gain(const Group& group, double limit) {
  const std::vector<double>& a = group.a;
  if (norm_is_below(scale_columns(a, group.peaks), group.n, limit)) return true;
  const double largest = *std::max_element(group.peaks.begin(), group.peaks.end());
  const double smallest = *std::min_element(group.peaks.begin(), group.peaks.end());
  if (smallest == largest) return false;
  const std::vector<double> ends = interval_ends();
  std::vector<double> gains(group.peaks.size());
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    for (std::size_t j = 0; j < gains.size(); ++j) {
      gains[j] = std::min(group.peaks[j], gain_bound(group.filters[j], ends[i], ends[i + 1]));
    }
    if (!norm_is_below(scale_columns(a, gains), group.n, limit)) return false;
  }
  return true;
}

/// One of the two proofs with the gains of an interval, which is halved where neither holds. `plain` is A diag(peaks),
/// `balanced` T A diag(peaks) T^-1.
bool small_within(const Group& group, const std::vector<double>& plain, const std::vector<double>& balanced,
                  double limit, double x0, double x1, int halvings) {
  std::vector<double> shares(group.peaks.size());
  for (std::size_t j = 0; j < shares.size(); ++j) {
    const double peak = group.peaks[j];
    shares[j] = peak > 0 ? std::min(1.0, gain_bound(group.filters[j], x0, x1) / peak) : 0;
  }
  if (perron_bound(scale_columns(plain, shares), group.n) < limit) return true;
  if (spectral_norm(scale_columns(balanced, shares), group.n) < limit) return true;
  const double middle = 0.5 * (x0 + x1);
  return halvings > 0 && small_within(group, plain, balanced, limit, x0, middle, halvings - 1) &&
         small_within(group, plain, balanced, limit, middle, x1, halvings - 1);
}

bool small_at_every_frequency(const Group& group, const std::vector<double>& balanced, double limit) {
  constexpr int kHalvings = 6;     // of intervals that are a quarter of themselves wide
  if (group.n > 64) return false;  // costs n^3 an interval
  const std::vector<double> ends = interval_ends(), plain = scale_columns(group.a, group.peaks);
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    if (!small_within(group, plain, balanced, limit, ends[i], ends[i + 1], kHalvings)) return false;
  }
  return true;
}

/// The components between both sides that some line of the group takes from, [N]: a pair that turns gives both.
std::vector<bool> components_heard_by(const DelayNetworkWeights& w, const std::vector<int>& group) {
  const auto n = static_cast<std::size_t>(w.lines);
  std::vector<bool> heard(n, false);
  for (std::size_t i = 0; i < n; ++i) {
    for (const int j : group) heard[i] = heard[i] || w.turn_left[static_cast<std::size_t>(j) * n + i] != 0.0f;
  }
  for (std::size_t i = 0; i + 1 < n; i += 2) {
    const TurningPair& pair = w.turning[i / 2];
    if (pair.angle_turns == 0 && pair.angle_depth_turns == 0 && pair.turn_hz == 0) continue;
    heard[i] = heard[i + 1] = heard[i] || heard[i + 1];
  }
  return heard;
}

/// The most that a turn does to the energy of a group of lines that feed one another, as a gain: |L| max r |R diag h| of
/// what comes from the group and returns to it.
double turning_gain(const DelayNetworkWeights& w, const std::vector<int>& lines) {
  const Group group = make_group(w, lines);
  const std::vector<bool> heard = components_heard_by(w, lines);
  const auto n = static_cast<std::size_t>(w.lines);
  std::vector<double> left(n * n), right(n * n);  // the group's rows and columns in the first places, 0 elsewhere
  double radius = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!heard[i]) continue;
    radius = std::max(radius, w.turning[i / 2].radius);
    for (std::size_t k = 0; k < lines.size(); ++k) {
      const auto line = static_cast<std::size_t>(lines[k]);
      left[k * n + i] = w.turn_left[line * n + i];
      right[i * n + k] = w.turn_right[i * n + line] * group.peaks[k] * motion_gain(w, lines[k]);
    }
  }
  return spectral_norm(left, w.lines) * radius * spectral_norm(right, w.lines);
}

/// A bound of the gain of a nonlinear loop in any state; none (infinite) where filter lines stand in it, which nothing
/// saturates, or lines of other groups are multiplied into it. Linear ones have their own proofs: 0.
double nonlinear_gain(const DelayNetworkWeights& w, const std::vector<int>& lines, const Group& group) {
  const NonlinearLoop& loop = w.nonlinear;
  if (!loop.is_there()) return 0;
  constexpr double kNone = std::numeric_limits<double>::infinity();
  std::vector<bool> is_inside(static_cast<std::size_t>(w.lines), false);
  for (const int j : lines) {
    if (w.delays[static_cast<std::size_t>(j)] == 0) return kNone;
    is_inside[static_cast<std::size_t>(j)] = true;
  }
  for (std::size_t i = 0; i < loop.left.size(); ++i) {
    if (!is_inside[i % is_inside.size()] && (loop.left[i] != 0.0f || loop.right[i] != 0.0f)) return kNone;
  }
  const double peak = *std::max_element(group.peaks.begin(), group.peaks.end());
  return largest_gain(spectral_norm(scale_columns(group.a, group.peaks), group.n), loop.strength() * peak * peak,
                      loop.limit, group.n);
}

/// What changes over time has no frequency response and no eigenvalues that would tell: only the norms of what signals
/// pass through, one after the other, bound the energy.
std::string check_turning(const DelayNetworkWeights& w) {
  const Graph graph = line_graph(w);
  for (const std::vector<int>& lines : connected_groups(graph)) {
    if (!is_loop(graph, lines)) continue;
    const double gain = turning_gain(w, lines);
    if (gain < (w.lossless ? kLosslessTurning : kLimit)) continue;
    return "the turning network cannot be shown to be stable: |turn_left| max radius |turn_right diag h| is " +
           std::to_string(gain) + " in the loop of line " + std::to_string(lines[0]) + ", which must stay below 1";
  }
  return {};
}

}  // namespace

double loop_gain_bound(const DelayNetworkWeights& w) {
  double largest = 0;
  const Graph graph = line_graph(w);
  for (const std::vector<int>& lines : connected_groups(graph)) {
    if (!is_loop(graph, lines)) continue;
    if (!w.turning.empty()) {
      largest = std::max(largest, turning_gain(w, lines));
      continue;
    }
    const Group group = make_group(w, lines);
    const std::vector<double> loudest = scale_columns(group.a, group.peaks);
    largest = std::max(largest, std::min({spectral_norm(loudest, group.n), perron_bound(loudest, group.n),
                                          spectral_norm(balance(loudest, group.n), group.n)}));
  }
  return largest;
}

double peak_gain(const Biquad* sections, int count) { return peak_gain(magnitudes(sections, count)); }

std::string check_stability(const DelayNetworkWeights& w) {
  for (int j = 0; j < w.lines; ++j) {
    for (int k = 0; k < w.line_sections; ++k) {
      if (is_stable(w.line_section(j, k))) continue;
      return "line_sos: section " + std::to_string(k) + " of line " + std::to_string(j) + " is not a stable filter";
    }
  }
  for (int o = 0; o < w.outputs; ++o) {
    for (int k = 0; k < w.output_sections; ++k) {
      if (is_stable(w.output_section(o, k))) continue;
      return "output_sos: section " + std::to_string(k) + " of output " + std::to_string(o) + " is not a stable filter";
    }
  }
  if (!w.turning.empty()) return check_turning(w);
  const double limit = w.lossless ? kLosslessLimit : kLimit;
  bool proven = true;
  double worst = 0;
  const Graph graph = line_graph(w);
  for (const std::vector<int>& lines : connected_groups(graph)) {
    if (!is_loop(graph, lines)) continue;  // what does not come back to itself cannot ring
    const Group group = make_group(w, lines);
    if (const double gain = nonlinear_gain(w, lines, group); !(gain < limit)) {
      proven = false;
      worst = std::max(worst, gain);
      continue;
    }
    if (small_gain(group, limit)) continue;
    const std::vector<double> balanced = balance(scale_columns(group.a, group.peaks), group.n);
    if (spectral_norm(balanced, group.n) < limit) continue;
    if (perron_bound(scale_columns(group.a, group.peaks), group.n) < limit) continue;
    if (small_at_every_frequency(group, balanced, limit)) continue;
    proven = false;
    worst = std::max(worst, spectral_norm(balanced, group.n));
  }
  if (proven) return {};
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  constexpr double kMultiplications = 1e7;  // a sanitizer's build is thirty times slower, and a fuzzer has no patience
#else
  constexpr double kMultiplications = 4e9;  // some seconds: half a minute of 16 lines with ten biquads each
#endif
  const auto entries = static_cast<double>(std::count_if(w.A.begin(), w.A.end(), [](float a) { return a != 0; }));
  double cost = entries + w.lines * (1 + 5.0 * w.line_sections);
  std::vector<LoopStart> starts{LoopStart::kNoise};
  if (w.nonlinear.is_there()) {  // squares are driven most by a constant
    starts = {LoopStart::kNoise, LoopStart::kUp, LoopStart::kDown};
    cost = 3 * (cost + w.lines * (w.lines + 3.0 * w.nonlinear.rank));
  }
  const auto frames = static_cast<long long>(std::min(kMultiplications / cost, 60.0 * w.sample_rate_hz));
  LoopDecay decay;
  for (const LoopStart start : starts) {
    decay = loop_decay(w, kSilence, frames, start);
    if (!decay.done) break;
  }
  if (decay.done) return {};
  const std::string gain = "its loop gain reaches " + std::to_string(worst) + ", which must stay below 1",
                    time = rounded(static_cast<double>(decay.frames) / w.sample_rate_hz) + " s";
  if (!(decay.remainder < 1)) {
    return "the network is not stable: " + gain + ", and what is in it is " +
           (decay.remainder < 1e12 ? rounded(20 * std::log10(decay.remainder)) + " dB louder after "
                                   : "far louder after ") +
           time;
  }
  return "the network cannot be shown to be stable: " + gain + ", and what is in it falls by only " +
         rounded(-20 * std::log10(decay.remainder)) + " dB in " + time;
}

}  // namespace diffverb::runtime
