#include "runtime/reference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "runtime/network_graph.h"
#include "runtime/nonlinear_reference.h"

namespace diffverb::runtime {
namespace {

/// Transposed direct form II, double precision.
class Section {
 public:
  explicit Section(const Biquad& coefficients) : c_(coefficients) {}
  double step(double x) {
    const double y = c_.b0 * x + s1_;
    s1_ = c_.b1 * x - c_.a1 * y + s2_;
    s2_ = c_.b2 * x - c_.a2 * y;
    return y;
  }

 private:
  Biquad c_;
  double s1_ = 0, s2_ = 0;
};

constexpr double kTurn = 2 * std::numbers::pi;

/// DelayMotion and TurningPair as their formulas say; t in seconds.
double moved_by(const DelayMotion& motion, double t, double level) {
  double noise = 0;
  for (int k = 1; k <= 3; ++k) noise += std::sin(kTurn * k * (motion.rate_hz * t + motion.noise_phase_turns)) / k;
  const double sine = std::sin(kTurn * (motion.rate_hz * t + motion.phase_turns));
  return motion.depth_samples * ((1 - level) * sine + level * noise / 3);
}
double radius_of(const TurningPair& p, double t) {
  return p.radius * (1 - p.radius_depth * (1 + std::sin(kTurn * (p.radius_rate_hz * t + p.radius_phase_turns))) / 2);
}
double angle_of(const TurningPair& p, double t) {
  return kTurn * (p.angle_turns + p.angle_depth_turns * std::sin(kTurn * (p.angle_rate_hz * t + p.angle_phase_turns)) +
                  p.turn_hz * t);
}

/// How loud the input is, sample by sample.
class Loudness {
 public:
  explicit Loudness(double sample_rate_hz) : share_(1 - std::exp(-1 / (0.1 * sample_rate_hz))) {}
  double step(double mean_square) {
    mean_ += share_ * (mean_square - mean_);
    return std::clamp((10 * std::log10(mean_ + 1e-20) + 40) / 30, 0.0, 1.0);
  }

 private:
  double share_, mean_ = 0;
};

/// N delay lines with their filters; what is written at time n comes out at n + m_j.
class Loop {
 public:
  explicit Loop(const DelayNetworkWeights& w)
      : w_(w), lines_(static_cast<std::size_t>(w.lines)), terms_(w), entries_(lines_), s_(lines_), moves_by_(lines_) {
    std::size_t count = 0;
    for (std::size_t j = 0; j < lines_; ++j) {
      // A line that moves is read from one sample before to two behind its place.
      const double depth = w.depth_of(static_cast<int>(j));
      is_moving_.push_back(depth > 0);
      ring_.emplace_back(static_cast<std::size_t>(w.delays[j] + (depth > 0 ? std::ceil(depth) + 2 : 0)), 0.0);
      auto& sections = filters_.emplace_back();
      for (int k = 0; k < w.line_sections; ++k) sections.emplace_back(w.line_section(static_cast<int>(j), k));
      for (std::size_t k = 0; k < lines_; ++k) {
        if (const double gain = w.A[j * lines_ + k]; gain != 0) entries_[j].push_back({gain, k});
      }
      count += entries_[j].size();
    }
    if (w.turning.empty() && (4 * count > lines_ * lines_ || w.nonlinear.is_there())) {
      columns_.resize(lines_ * lines_);
      for (std::size_t j = 0; j < lines_; ++j) {
        for (std::size_t k = 0; k < lines_; ++k) columns_[k * lines_ + j] = w.A[j * lines_ + k];
      }
    }
    for (const int j : filter_line_order(w)) filter_lines_.push_back(static_cast<std::size_t>(j));
  }

  std::vector<std::vector<double>>& rings() { return ring_; }
  const std::vector<double>& outputs() const { return s_; }

  /// Makes s(n) known: what comes out of the delays, then what the filter lines make of that and of the drive.
  void read(const std::vector<double>& drive, double level) {
    for (std::size_t j = 0; j < lines_; ++j) {
      if (!ring_[j].empty()) s_[j] = ring_[j][time_ % ring_[j].size()];
    }
    if (!w_.delay_motions.empty()) read_moving_delays(level);
    for (const std::size_t j : filter_lines_) s_[j] = filtered(j, drive);
  }
  /// v(n) = A s(n) + drive, through the line filters and into the delays.
  void write(const std::vector<double>& drive) {
    if (!w_.turning.empty()) {
      turn();
      driven_ = drive;
      for (std::size_t j = 0; j < lines_; ++j) driven_[j] += turned_row(j);
    } else if (!columns_.empty()) {
      driven_ = drive;
      for (std::size_t k = 0; k < lines_; ++k) {
        const double* column = columns_.data() + k * lines_;
        for (std::size_t j = 0; j < lines_; ++j) driven_[j] += column[j] * s_[k];
      }
      if (w_.nonlinear.is_there()) terms_.step(s_, driven_);
    }
    for (std::size_t j = 0; j < lines_; ++j) {
      if (ring_[j].empty()) continue;
      ring_[j][time_ % ring_[j].size()] = driven_.empty() ? filtered(j, drive) : through_filters(j, driven_[j]);
    }
    ++time_;
  }

 private:
  struct Entry {
    double gain;
    std::size_t from;
  };

  /// One sample of (h_j * v_j).
  double filtered(std::size_t j, const std::vector<double>& drive) {
    double x = drive[j];
    if (!w_.turning.empty()) {
      turn();
      return through_filters(j, x + turned_row(j));
    }
    for (const Entry& entry : entries_[j]) x += entry.gain * s_[entry.from];
    return through_filters(j, x);
  }
  double through_filters(std::size_t j, double x) {
    for (Section& section : filters_[j]) x = section.step(x);
    return x;
  }

  void read_moving_delays(double level) {
    std::fill(moves_by_.begin(), moves_by_.end(), 0.0);
    for (const DelayMotion& motion : w_.delay_motions)
      moves_by_[static_cast<std::size_t>(motion.line)] += moved_by(motion, seconds(), level);
    for (std::size_t j = 0; j < lines_; ++j) {
      if (is_moving_[j]) s_[j] = between(ring_[j], w_.delays[j] + moves_by_[j]);
    }
  }
  double seconds() const { return static_cast<double>(time_) / w_.sample_rate_hz; }
  /// Lagrange's cubic of the samples around a place `delay` behind now.
  double between(const std::vector<double>& ring, double delay) const {
    const double behind = std::ceil(delay), t = behind - delay;
    const auto at = [&](int tap) {
      return ring[(time_ + ring.size() + static_cast<std::size_t>(tap) - static_cast<std::size_t>(behind)) %
                  ring.size()];
    };
    return -t * (t - 1) * (t - 2) / 6 * at(-1) + (t + 1) * (t - 1) * (t - 2) / 2 * at(0) -
           (t + 1) * t * (t - 2) / 2 * at(1) + (t + 1) * t * (t - 1) / 6 * at(2);
  }
  /// T(t) turn_right s.
  void turn() {
    turned_.assign(lines_ + 1, 0.0);
    for (std::size_t i = 0; i < lines_; ++i) {
      for (std::size_t k = 0; k < lines_; ++k) turned_[i] += static_cast<double>(w_.turn_right[i * lines_ + k]) * s_[k];
    }
    for (std::size_t p = 0; p < w_.turning.size(); ++p) {
      const bool alone = 2 * p + 1 == lines_;
      const double r = radius_of(w_.turning[p], seconds()), angle = alone ? 0 : angle_of(w_.turning[p], seconds());
      const double a = turned_[2 * p], b = turned_[2 * p + 1];
      turned_[2 * p] = r * (std::cos(angle) * a - std::sin(angle) * b);
      turned_[2 * p + 1] = r * (std::sin(angle) * a + std::cos(angle) * b);
    }
  }
  double turned_row(std::size_t j) const {
    double sum = 0;
    for (std::size_t i = 0; i < lines_; ++i) sum += static_cast<double>(w_.turn_left[j * lines_ + i]) * turned_[i];
    return sum;
  }

  const DelayNetworkWeights& w_;
  std::size_t lines_;
  ExactTerms terms_;                         // of a nonlinear loop
  std::vector<std::vector<Entry>> entries_;  // what A has in a row
  std::vector<double> columns_;              // of a dense A: the lines side by side are what a processor takes at once
  std::vector<double> driven_;               // empty where rows are summed one by one
  std::vector<std::size_t> filter_lines_;    // of 0 samples, each after those that feed it
  std::vector<std::vector<double>> ring_;
  std::vector<std::vector<Section>> filters_;
  std::vector<double> s_, moves_by_, turned_;
  std::vector<bool> is_moving_;
  std::size_t time_ = 0;
};

/// sum_r b_r(n) sum_k a_r(k) u(k) h_r(n - k), each gain from its definition.
void add_moving_responses(const DelayNetworkWeights& w, const std::vector<std::vector<double>>& input,
                          std::vector<std::vector<double>>& output) {
  const MovingResponses& m = w.moving;
  const auto inputs = static_cast<std::size_t>(w.inputs), taps = static_cast<std::size_t>(m.samples);
  const std::size_t frames = output[0].size(), count = static_cast<std::size_t>(m.count);
  std::vector<std::vector<double>> gains(2 * count, std::vector<double>(frames));  // before and after, in turn
  for (std::size_t n = 0; n < frames; ++n) {
    for (std::size_t g = 0; g < 2 * count; ++g) gains[g][n] = m.means[g];
    for (const GainSine& sine : m.sines) {
      const double turns = sine.rate_hz * static_cast<double>(n) / w.sample_rate_hz + sine.phase_turns;
      gains[2 * static_cast<std::size_t>(sine.response) + (sine.after ? 1 : 0)][n] +=
          sine.depth * std::sin(2 * std::numbers::pi * turns);
    }
    double power = kEqualPowerFloor;
    for (std::size_t r = 0; r < count; ++r) power += gains[2 * r][n] * gains[2 * r][n];
    for (std::size_t r = 0; m.equal_power && r < count; ++r) gains[2 * r][n] /= std::sqrt(power);
  }
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t o = 0; o < output.size(); ++o) {
      for (std::size_t n = 0; n < frames; ++n) {
        double y = 0;
        for (std::size_t i = 0; i < inputs; ++i) {
          const float* h = m.taps.data() + ((r * output.size() + o) * inputs + i) * taps;
          for (std::size_t t = 0; t < std::min(taps, n + 1); ++t)
            y += static_cast<double>(h[t]) * gains[2 * r][n - t] * input[i][n - t];
        }
        output[o][n] += gains[2 * r + 1][n] * y;
      }
    }
  }
}

}  // namespace

std::vector<std::vector<double>> reference_response(const DelayNetworkWeights& w,
                                                    const std::vector<std::vector<double>>& input, int frames) {
  const auto lines = static_cast<std::size_t>(w.lines), inputs = static_cast<std::size_t>(w.inputs);
  const auto outputs = static_cast<std::size_t>(w.outputs), taps = static_cast<std::size_t>(w.early_samples);
  Loop loop(w);
  std::vector<std::vector<Section>> tone(outputs);
  for (int o = 0; o < w.outputs; ++o) {
    for (int k = 0; k < w.output_sections; ++k) tone[static_cast<std::size_t>(o)].emplace_back(w.output_section(o, k));
  }
  std::vector<std::vector<double>> output(outputs, std::vector<double>(static_cast<std::size_t>(frames)));
  std::vector<double> drive(lines);
  Loudness loudness(w.sample_rate_hz);
  for (std::size_t n = 0; n < static_cast<std::size_t>(frames); ++n) {
    for (std::size_t j = 0; j < lines; ++j) {
      drive[j] = 0;
      for (std::size_t i = 0; i < inputs; ++i) drive[j] += static_cast<double>(w.B[j * inputs + i]) * input[i][n];
    }
    double power = 0;
    for (const auto& channel : input) power += channel[n] * channel[n] / static_cast<double>(inputs);
    loop.read(drive, loudness.step(power));
    for (std::size_t o = 0; o < outputs; ++o) {
      double y = 0;
      for (std::size_t j = 0; j < lines; ++j) y += static_cast<double>(w.C[o * lines + j]) * loop.outputs()[j];
      for (std::size_t i = 0; i < inputs; ++i) y += static_cast<double>(w.D[o * inputs + i]) * input[i][n];
      for (Section& section : tone[o]) y = section.step(y);
      for (std::size_t i = 0; i < inputs; ++i) {
        const float* early = w.early.data() + (o * inputs + i) * taps;
        for (std::size_t t = 0; t < std::min(taps, n + 1); ++t) y += static_cast<double>(early[t]) * input[i][n - t];
      }
      output[o][n] = y;
    }
    loop.write(drive);
  }
  add_moving_responses(w, input, output);
  for (const auto& term : w.terms) term->add_reference(w.term_shape(), input, output);
  return output;
}

namespace {

/// Returns the loudest sample.
double fill_with_noise(Loop& loop, double loudest) {
  std::uint64_t random = 0x9e3779b97f4a7c15u;
  double start = 0;
  for (auto& ring : loop.rings()) {
    for (double& value : ring) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      value = static_cast<double>(static_cast<std::int64_t>(random)) * 0x1p-63 * loudest;
      start = std::max(start, std::abs(value));
    }
  }
  return start;
}

/// A constant far beyond the limit into every line, until delays and filters are full of it.
void drive(Loop& loop, const DelayNetworkWeights& w, int sign, long long window) {
  constexpr double kFull_s = 0.25, kFarBeyond = 1e3;
  std::vector<double> push(static_cast<std::size_t>(w.lines), sign * kFarBeyond * w.nonlinear.limit);
  for (std::size_t j = 0; j < push.size(); ++j) {
    if (w.delays[j] == 0) push[j] = 0;
  }
  const long long frames = std::max(window, std::llround(kFull_s * w.sample_rate_hz));
  for (long long n = 0; n < frames; ++n) {
    loop.read(push, 0);
    loop.write(push);
  }
}

}  // namespace

LoopDecay loop_decay(const DelayNetworkWeights& w, double ratio, long long max_frames, LoopStart from) {
  Loop loop(w);
  const std::vector<double> silence(static_cast<std::size_t>(w.lines), 0.0);
  const long long window = std::max<long long>(*std::max_element(w.delays.begin(), w.delays.end()), 1024);
  const double loudest = w.nonlinear.is_there() ? w.nonlinear.limit : 1;
  const double start = from == LoopStart::kNoise ? fill_with_noise(loop, loudest) : loudest;
  if (from != LoopStart::kNoise) drive(loop, w, from == LoopStart::kUp ? 1 : -1, window);
  LoopDecay decay;
  double peak = 0;
  for (long long n = 0; n < max_frames; ++n) {
    loop.read(silence, 0);
    for (const double s : loop.outputs()) peak = std::max(peak, std::abs(s));
    loop.write(silence);
    if ((n + 1) % window == 0) {
      decay = {peak < ratio * start, peak / start, n + 1};
      if (decay.done || !(peak < 1e12 * start)) return decay;
      // A sixteenth of the way in an eighth of the time, or it will not get there.
      if (n > max_frames / 8 && peak > std::pow(ratio, 1.0 / 16) * start) return decay;
      peak = 0;
    }
  }
  return decay;
}

}  // namespace diffverb::runtime
