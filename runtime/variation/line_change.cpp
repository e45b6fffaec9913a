#include "runtime/variation/line_change.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "runtime/biquad.h"
#include "runtime/network_plan.h"
#include "runtime/stability.h"
#include "runtime/variation/loop_measurement.h"
#include "runtime/variation/network_response.h"
#include "runtime/variation/response_decay.h"
#include "runtime/variation/section_fit.h"

namespace diffverb::runtime {
namespace {

constexpr double kLowest_hz = 20, kHighest = 0.98, kAboveWeight = 0.1;
constexpr double kEnd = 0.999, kNearEnd = 0.8, kNearEndWeight = 0.2;
constexpr double kReadable = 0.3;  // of the rate: to where the interpolation of moving lines can be made up for
constexpr int kNear = 16, kAbove = 6, kMovingDelay = 3;
constexpr double kFlat = 0.06, kNothing = 2e-5;  // of a change: its relative spread; nepers that nobody hears
constexpr double kLeastShare = 0.8;              // of its loss, that a line's filter may give back for how it is read
constexpr double kReadOtherwise = 0.05;
constexpr double kLeastShareHeard = 3e-3;
constexpr double kMostLoss = 2;       // nepers: beyond it accuracy is of the level, not of the decay
constexpr double kAnyPeak = 100;      // nepers
constexpr double kMostBeyond = 0.05;  // nepers: of a peak that a fit may have
constexpr double kMostAsked = 6;      // nepers in one pass, 52 dB: beyond it nothing is heard, and fits get lost
constexpr double kIdle_hz = 1000;     // Hz, where damping turns
constexpr double kLeastLoss = 3e-3;   // nepers: where relative accuracy ends

double old_top(double from_hz, double to_hz) { return kHighest * 0.5 * std::min(from_hz, to_hz); }

/// log |H| of sections at the frequencies; above the old half rate, as at its top.
std::vector<double> log_gains(const std::vector<Biquad>& sections, const std::vector<double>& hz, double rate_hz,
                              double top_hz) {
  std::vector<double> gains;
  for (const double f : hz) {
    double sum = 0;
    for (const Biquad& section : sections) sum += log_gain(section, std::min(f, top_hz), rate_hz);
    gains.push_back(sum);
  }
  return gains;
}

/// How much a frequency counts of a filter that lets others pass better: what is not heard must not bend the rest.
double audible_share(const std::vector<double>& gains, std::size_t f) {
  return std::max(kLeastShareHeard, std::exp(gains[f] - *std::max_element(gains.begin(), gains.end())));
}

/// A line that is read elsewhere too, and loses nothing by itself: what is read of it is scaled.
void scale_line(DelayNetworkWeights& w, int line, double gain) {
  const auto n = static_cast<std::size_t>(w.lines), j = static_cast<std::size_t>(line);
  const auto scale = [&](std::vector<float>& rows, double by) {
    for (std::size_t i = j; i < rows.size(); i += n) rows[i] = static_cast<float>(rows[i] * by);
  };
  scale(w.A, gain), scale(w.C, gain), scale(w.turn_right, gain);
  scale(w.nonlinear.left, gain), scale(w.nonlinear.right, gain);
  if (w.nonlinear.is_there()) w.nonlinear.square[j] = static_cast<float>(w.nonlinear.square[j] * gain * gain);
}

/// What one line is to become.
struct LineTarget {
  std::vector<double> change, loss;  // [F] log gain more; what is lost in the line's new delay, 0 outside of loops
  double power = 1;                  // of the line's own filter, about
  bool has_filter = false, is_flat = true, is_nothing = true;
  bool is_read_otherwise =
      false;  // moving, at another rate: its interpolation takes more or less than a filter's worth
};

double log_peak(const std::vector<Biquad>& sections) {
  const bool stable = std::all_of(sections.begin(), sections.end(), [](const Biquad& f) { return is_stable(f); });
  const double peak = stable ? peak_gain(sections.data(), static_cast<int>(sections.size())) : 1e300;
  return std::isfinite(peak) ? std::log(std::max(peak, 1e-300)) : 1e300;
}

void scale_section(Biquad& f, double gain) { f.b0 *= gain, f.b1 *= gain, f.b2 *= gain; }

/// A fit that is `most_beyond` louder anywhere than its target at its loudest, or no stable filter, gives way to the
/// sections as they were moved, let down to that. `sections` are the moved ones, and become what is taken.
void keep_below(const FilterTarget& target, const std::vector<Biquad>& fitted, double most_beyond,
                std::vector<Biquad>& sections) {
  const double most = *std::max_element(target.log_gain.begin(), target.log_gain.end());
  if (log_peak(fitted) - most < most_beyond) {
    sections = fitted;
    return;
  }
  const double beyond = log_peak(sections) - most;
  if (beyond > 0 && !sections.empty()) scale_section(sections[0], std::exp(-beyond));
}

/// A section that does nothing, with two poles and zeros where damping turns: from there a fit finds any shelf, which it does
/// not from those of an identity at a quarter of the rate.
Biquad idle_section(double rate_hz) {
  const double pole = std::exp(-2 * std::numbers::pi * kIdle_hz / rate_hz), a1 = -2 * pole, a2 = pole * pole;
  return {1, a1, a2, a1, a2};
}

class LineChange {
 public:
  LineChange(const DelayNetworkWeights& old, const LoopRates& rates, const Variation& variation,
             DelayNetworkWeights& changed)
      : old_(old),
        rates_(rates),
        variation_(variation),
        changed_(changed),
        top_hz_(old_top(old.sample_rate_hz, changed.sample_rate_hz)),
        same_rate_(old.sample_rate_hz == changed.sample_rate_hz) {}

  void apply() {
    std::vector<LineTarget> targets;
    bool more = false;
    for (int j = 0; j < old_.lines; ++j) {
      targets.push_back(unchanged(j));
    }
    for (const LineLosses& loop : rates_.loops) add_targets(loop, targets);
    shorten_diffusers(targets);
    for (int j = 0; j < old_.lines; ++j) more = more || needs_section(targets[static_cast<std::size_t>(j)], j);
    if (more) append_sections(changed_.line_sos, changed_.lines, changed_.line_sections, {Biquad{}});  // identities
    for (int j = 0; j < old_.lines; ++j) change(j, targets[static_cast<std::size_t>(j)]);
  }

 private:
  /// What has no loss of its own changes nothing but the rate of its filter.
  LineTarget unchanged(int line) const {
    LineTarget t;
    t.has_filter = !line_filter(old_, line).empty();
    t.change.assign(rates_.hz.size(), 0.0), t.loss = t.change;
    return t;
  }

  /// How much longer the delays of lines are altogether.
  double stretch_of(const std::vector<int>& lines) const {
    double before = 0, now = 0;
    for (const int j : lines) {
      before += old_.delays[static_cast<std::size_t>(j)] / old_.sample_rate_hz;
      now += changed_.delays[static_cast<std::size_t>(j)] / changed_.sample_rate_hz;
    }
    return now / before;
  }

  void add_targets(const LineLosses& loop, std::vector<LineTarget>& targets) const {
    const double whole = stretch_of(loop.lines);
    for (std::size_t i = 0; i < loop.lines.size(); ++i) {
      const int line = loop.lines[i];
      if (loop.each_by_itself && old_.delays[static_cast<std::size_t>(line)] == 0) continue;
      LineTarget& t = targets[static_cast<std::size_t>(line)];
      const double stretch = loop.each_by_itself ? stretch_of({line}) : whole;
      double least = 1e300, most = -1e300, sum = 0, before = 0, now = 0;
      for (std::size_t f = 0; f < rates_.hz.size(); ++f) {
        const double old_loss = loop.loss[i][f];
        t.loss[f] = std::min(new_loss(loop, i, f, stretch), std::max(old_loss, kMostAsked));
        const double hz = std::min({rates_.hz[f], top_hz_, kReadable * changed_.sample_rate_hz});
        const double reading = interpolation_log_gain(old_, line, hz) - interpolation_log_gain(changed_, line, hz);
        // What reading takes more than the whole loss cannot be given back: no line may gain.
        t.change[f] = old_loss - t.loss[f] + std::min(reading, std::max(0.0, kLeastShare * t.loss[f]));
        t.is_read_otherwise = t.is_read_otherwise || std::abs(reading) > kReadOtherwise * std::abs(t.loss[f]);
        least = std::min(least, t.change[f]), most = std::max(most, t.change[f]), sum += t.change[f];
        before += old_loss, now += t.loss[f];
      }
      t.is_nothing = std::max(std::abs(least), std::abs(most)) < kNothing;
      t.is_flat = variation_.damping == 0 &&
                  most - least < kNothing + kFlat * std::abs(sum) / static_cast<double>(rates_.hz.size());
      if (t.has_filter && before > 0 && now > 0) t.power = std::clamp(now / before, 0.1, 10.0);
    }
  }

  /// What diffuses must not sound longer than all else is to. Every line loses by its delay then, as if the sound of all of
  /// them were multiplied by an exponential.
  void shorten_diffusers(std::vector<LineTarget>& targets) const {
    double more = 0;  // nepers a second
    for (const LineLosses& loop : rates_.diffusers) {
      const double rate = *std::min_element(loop.rate.begin(), loop.rate.end()) / stretch_of(loop.lines);
      double wanted = 1e300;
      for (std::size_t f = 0; f < rates_.hz.size(); ++f)
        wanted = std::min(wanted, rates_.slowest[f] / decay_factor(variation_, rates_.hz[f]));
      more = std::max(more, wanted - rate);
    }
    if (more == 0) return;
    for (const LineLosses& loop : rates_.diffusers) {
      for (const int line : loop.lines) {
        LineTarget& t = targets[static_cast<std::size_t>(line)];
        t.is_nothing = false;
        for (double& change : t.change)
          change = -more * changed_.delays[static_cast<std::size_t>(line)] / changed_.sample_rate_hz;
      }
    }
  }

  /// Of line i of a loop whose delays are `stretch` times as long.
  double new_loss(const LineLosses& loop, std::size_t i, std::size_t f, double stretch) const {
    const double old_loss = loop.loss[i][f], factor = decay_factor(variation_, rates_.hz[f]);
    const bool is_known = loop.is_exact || rates_.correction.empty();
    const double power = stretch / factor * (is_known ? 1 : rates_.correction[f]);
    if (loop.each_by_itself || is_known) return old_loss * power;
    if (power <= 1) return old_loss * power;
    const double seconds = changed_.delays[static_cast<std::size_t>(loop.lines[i])] / changed_.sample_rate_hz;
    return old_loss + rates_.measured[f] / stretch * (power - 1) * seconds;
  }

  /// Only rounding: too little for a filter where there is none.
  bool is_rounding(const LineTarget& t) const {
    return !t.has_filter && variation_.decay == 1 && variation_.size == 1 && variation_.damping == 0;
  }

  bool needs_section(const LineTarget& t, int line) const {
    if (t.is_nothing || t.is_flat || is_rounding(t)) return false;
    if (t.has_filter && variation_.damping == 0 && !t.is_read_otherwise) return false;
    return static_cast<int>(line_filter(old_, line).size()) == changed_.line_sections;
  }

  void change(int line, const LineTarget& t) {
    if (!t.has_filter && (t.is_nothing || is_rounding(t))) return;
    if (!t.has_filter && t.is_flat) {
      double mean = 0;
      for (const double value : t.change) mean += value / static_cast<double>(t.change.size());
      scale_line(changed_, line, std::exp(mean));
      return;
    }
    if (same_rate_ && t.is_nothing) return;
    const std::vector<Biquad> own = line_filter(old_, line);
    FilterTarget target{rates_.hz, log_gains(own, rates_.hz, old_.sample_rate_hz, top_hz_), {}};
    for (std::size_t f = 0; f < target.hz.size(); ++f) {
      target.log_gain[f] += t.change[f];
      const bool near_end = target.hz[f] > kNearEnd * 0.5 * changed_.sample_rate_hz;
      const double scale = t.loss[f] != 0 ? 1 / std::clamp(std::abs(t.loss[f]), kLeastLoss, kMostLoss)
                                          : audible_share(target.log_gain, f);
      target.weight.push_back(scale * (target.hz[f] > top_hz_ ? kAboveWeight : near_end ? kNearEndWeight : 1));
    }
    std::vector<Biquad> sections;
    for (const Biquad& section : own)
      sections.push_back(move_section(section, old_.sample_rate_hz, changed_.sample_rate_hz, t.power));
    // One that begins as an identity where the filter is to take another shape.
    if (static_cast<int>(sections.size()) < changed_.line_sections && !t.is_flat)
      sections.push_back(idle_section(changed_.sample_rate_hz));
    std::vector<Biquad> fitted = sections;
    fit_sections(fitted, changed_.sample_rate_hz, target);
    keep_below(target, fitted, rates_.is_careful ? kMostBeyond : kAnyPeak, sections);
    sections.resize(static_cast<std::size_t>(changed_.line_sections));
    for (int k = 0; k < changed_.line_sections; ++k)
      put_section(changed_.line_sos, line * changed_.line_sections + k, sections[static_cast<std::size_t>(k)]);
  }

  const DelayNetworkWeights& old_;
  const LoopRates& rates_;
  const Variation& variation_;
  DelayNetworkWeights& changed_;
  double top_hz_;
  bool same_rate_;
};

}  // namespace

std::vector<double> fit_frequencies(double from_hz, double to_hz) {
  const double top = old_top(from_hz, to_hz), end = 0.5 * kEnd * to_hz;
  std::vector<double> hz{1};  // a filter's gain at 0 Hz counts
  for (double f = kLowest_hz; f < top; f *= std::pow(2, 0.125)) hz.push_back(f);
  hz.push_back(top);
  // Close to each other near the end, where a fit would else hide a peak between them.
  for (int k = 0; to_hz <= from_hz && k < kNear; ++k)
    hz.push_back(0.5 * to_hz * (kNearEnd + (kEnd - kNearEnd) * (k + 0.5) / (kNear - 0.5)));
  for (int k = 1; end > top * 1.01 && k <= kAbove; ++k) hz.push_back(top + (end - top) * k / kAbove);
  std::sort(hz.begin(), hz.end());
  return hz;
}

std::vector<std::int32_t> changed_delays(const DelayNetworkWeights& w, double rate_hz, const Variation& variation) {
  std::vector<std::int32_t> delays;
  for (int j = 0; j < w.lines; ++j) {
    const std::int32_t old = w.delays[static_cast<std::size_t>(j)];
    const double depth = w.depth_of(j) * variation.modulation * rate_hz / w.sample_rate_hz;
    const double least = depth > 0 ? std::ceil(depth + kMovingDelay) : 1;
    const double exact = old * variation.size * rate_hz / w.sample_rate_hz;
    delays.push_back(old == 0 ? 0 : static_cast<std::int32_t>(std::max(least, std::round(exact))));
  }
  return delays;
}

void change_lines(const DelayNetworkWeights& old, const LoopRates& rates, const Variation& variation,
                  DelayNetworkWeights& changed) {
  LineChange(old, rates, variation, changed).apply();
}

void correct_rates(const DelayNetworkWeights& w, const Variation& variation, LoopRates& rates) {
  constexpr int kRounds = 6;
  constexpr double kCloseEnough = 0.015, kFastest = 60;  // nepers a second: 0.12 s
  constexpr double kLowest_heard_hz = 88, kHighest_heard_hz = 11300;
  if (rates.correction.empty()) return;
  std::vector<double> best = rates.correction;
  double least = 1e300;
  for (int round = 0; round < kRounds && least > kCloseEnough; ++round) {
    DelayNetworkWeights changed = w;
    changed.delays = changed_delays(w, w.sample_rate_hz, variation);
    change_lines(w, rates, variation, changed);
    const std::vector<double> found = measured_rates(changed, rates.hz), tried = rates.correction;
    if (std::none_of(found.begin(), found.end(), [](double rate) { return rate > 0; })) break;  // this correction grows
    double off = 0, count = 0;
    for (std::size_t f = 0; f < found.size(); ++f) {
      if (!(found[f] > 0 && rates.measured[f] > 0)) continue;
      const double wanted = rates.measured[f] / decay_factor(variation, rates.hz[f]);
      if (std::min(wanted, found[f]) > kFastest) continue;  // nobody hears by how much
      if (rates.hz[f] > kLowest_heard_hz && rates.hz[f] < kHighest_heard_hz)
        off += std::pow(std::log(wanted / found[f]), 2), count += 1;
      rates.correction[f] = std::clamp(rates.correction[f] * wanted / found[f], 0.1, 10.0);
    }
    // Not every round comes nearer: one section a line has to follow what several octaves miss.
    const double mean = std::sqrt(off / std::max(count, 1.0));
    if (mean < least) least = mean, best = tried;
  }
  rates.correction = std::move(best);
}

std::vector<double> moved_filters(const std::vector<double>& sos, int sections, double from_hz, double to_hz) {
  std::vector<double> moved = sos;
  if (from_hz == to_hz || sections == 0) return moved;
  const double top = old_top(from_hz, to_hz);
  const int all = static_cast<int>(sos.size() / 5);
  for (int row = 0; row < all; row += sections) {
    std::vector<Biquad> own, fitted;
    std::vector<int> places;
    for (int place = row; place < row + sections; ++place) {
      const Biquad section = section_at(sos, place);
      if (is_identity(section)) continue;
      own.push_back(section), places.push_back(place);
      fitted.push_back(move_section(section, from_hz, to_hz, 1));
    }
    if (own.empty()) continue;
    FilterTarget target{fit_frequencies(from_hz, to_hz), {}, {}};
    target.log_gain = log_gains(own, target.hz, from_hz, top);
    for (std::size_t f = 0; f < target.hz.size(); ++f)
      target.weight.push_back(audible_share(target.log_gain, f) * (target.hz[f] > top ? kAboveWeight : 1));
    fit_sections(fitted, to_hz, target);
    for (std::size_t k = 0; k < places.size(); ++k) put_section(moved, places[k], fitted[k]);
  }
  return moved;
}

}  // namespace diffverb::runtime
