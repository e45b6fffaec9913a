#pragma once

#include <cmath>
#include <initializer_list>
#include <vector>

#include "runtime/biquad.h"
#include "runtime/weights.h"

namespace diffverb::runtime::bench {

/// Writes a delay network down as a flow of signals: a signal is a sum of inputs and line outputs.
class Flow {
 public:
  using Signal = std::vector<double>;  // gains of the inputs, then of the lines

  explicit Flow(int inputs) : inputs_(static_cast<std::size_t>(inputs)) {}

  Signal input(int channel) const { return unit(static_cast<std::size_t>(channel)); }
  Signal line(int j) const { return unit(inputs_ + static_cast<std::size_t>(j)); }

  /// A further line; 0 samples make a filter. What it takes in may follow later.
  int add(double delay_samples, Biquad filter = {}, const Signal& in = {}) {
    delays_.push_back(static_cast<int>(std::lround(delay_samples)));
    filters_.push_back(filter);
    rows_.push_back(in);
    return static_cast<int>(delays_.size()) - 1;
  }
  void feed(int j, const Signal& in) { rows_[static_cast<std::size_t>(j)] = in; }
  Signal filtered(const Signal& in, Biquad filter) { return line(add(0, filter, in)); }
  /// The signal within a line; what the line takes in must be known.
  Signal tap(int j, double delay_samples) {
    return line(add(delay_samples, filters_[static_cast<std::size_t>(j)], rows_[static_cast<std::size_t>(j)]));
  }
  /// s - g v behind v = x + g s, s = v delayed.
  Signal allpass(const Signal& x, double delay_samples, double g, int* made = nullptr) {
    const int j = add(delay_samples);
    feed(j, sum({{1, x}, {g, line(j)}}));
    if (made) *made = j;
    return sum({{1 - g * g, line(j)}, {-g, x}});
  }

  struct Term {
    double gain;
    Signal signal;
  };
  static Signal sum(const std::vector<Term>& terms) {
    Signal out;
    for (const Term& term : terms) {
      if (term.signal.size() > out.size()) out.resize(term.signal.size());
      for (std::size_t i = 0; i < term.signal.size(); ++i) out[i] += term.gain * term.signal[i];
    }
    return out;
  }

  DelayNetworkWeights network(const std::vector<Signal>& outputs, double rate_hz) const {
    const std::size_t n = rows_.size();
    DelayNetworkWeights w;
    w.sample_rate_hz = rate_hz;
    w.lines = static_cast<int>(n), w.inputs = static_cast<int>(inputs_), w.outputs = static_cast<int>(outputs.size());
    w.line_sections = 1;
    const auto put = [&](const Signal& signal, std::vector<float>& lines, std::vector<float>& inputs) {
      const auto at = [&](std::size_t i) { return i < signal.size() ? static_cast<float>(signal[i]) : 0.0f; };
      for (std::size_t k = 0; k < n; ++k) lines.push_back(at(inputs_ + k));
      for (std::size_t i = 0; i < inputs_; ++i) inputs.push_back(at(i));
    };
    for (const Signal& row : rows_) put(row, w.A, w.B);
    for (const Signal& output : outputs) put(output, w.C, w.D);
    w.delays = delays_;
    for (const Biquad& f : filters_) push_section(w.line_sos, f);
    return w;
  }

 private:
  static Signal unit(std::size_t i) {
    Signal signal(i + 1, 0.0);
    signal[i] = 1;
    return signal;
  }

  std::size_t inputs_;
  std::vector<std::int32_t> delays_;
  std::vector<Biquad> filters_;
  std::vector<Signal> rows_;
};

/// (1 - p) / (1 - p z^-1), p > 0.
inline Biquad one_pole(double p) { return {1 - p, 0, 0, -p, 0}; }

/// Jezar's Freeverb: 8 combs with a low-pass in their feedback and 4 allpasses a channel, spread 23; its defaults.
inline DelayNetworkWeights freeverb(double rate_hz = 48000) {
  const double scale = rate_hz / 44100, feedback = 0.84, damping = 0.2;
  Flow flow(2);
  const auto input = Flow::sum({{0.015, flow.input(0)}, {0.015, flow.input(1)}});
  std::vector<Flow::Signal> outputs;
  for (const int spread : {0, 23}) {
    std::vector<Flow::Term> combs;
    for (const int delay : {1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617}) {
      const int comb = flow.add((delay + spread) * scale);
      const auto damped = flow.filtered(flow.line(comb), one_pole(damping));
      flow.feed(comb, Flow::sum({{1, input}, {feedback, damped}}));
      combs.push_back({1, flow.line(comb)});
    }
    auto x = Flow::sum(combs);
    // Freeverb's allpass: v = x + g s, y = s - x.
    for (const int delay : {556, 441, 341, 225}) {
      const int line = flow.add((delay + spread) * scale);
      flow.feed(line, Flow::sum({{1, x}, {0.5, flow.line(line)}}));
      x = Flow::sum({{1, flow.line(line)}, {-1, x}});
    }
    outputs.push_back(x);
  }
  return flow.network(outputs, rate_hz);
}

/// Dattorro's plate without modulation: input diffusers, tank with cross feedback, 14 output taps. Source: Dattorro,
/// "Effect design part 1", JAES 45(9), 1997, figure 1 and table 2.
inline DelayNetworkWeights dattorro(double rate_hz = 48000) {
  const double scale = rate_hz / 29761, decay = 0.5, bandwidth = 0.9995, damping = 0.0005;
  const auto samples = [&](double at_29761) { return at_29761 * scale; };
  Flow flow(2);
  auto x = flow.filtered(Flow::sum({{0.5, flow.input(0)}, {0.5, flow.input(1)}}), one_pole(1 - bandwidth));
  for (const auto& [delay, g] : {std::pair{142.0, 0.75}, {107.0, 0.75}, {379.0, 0.625}, {277.0, 0.625}})
    x = flow.allpass(x, samples(delay), g);
  struct Half {
    double first, long_one, second, last;
    int allpass = 0, delay = 0, diffuser = 0, end = 0;
  };
  Half halves[2] = {{672, 4453, 1800, 3720}, {908, 4217, 2656, 3163}};
  for (Half& half : halves) half.end = flow.add(samples(half.last));
  for (int side = 0; side < 2; ++side) {
    Half& half = halves[side];
    const auto in = Flow::sum({{1, x}, {decay, flow.line(halves[1 - side].end)}});
    half.delay = flow.add(samples(half.long_one), {}, flow.allpass(in, samples(half.first), -0.7, &half.allpass));
    const auto damped = flow.filtered(flow.line(half.delay), one_pole(damping));
    flow.feed(half.end, flow.allpass(Flow::sum({{decay, damped}}), samples(half.second), 0.5, &half.diffuser));
  }
  const auto [left, right] = halves;
  const auto output = [&](const Half& a, const Half& b, const std::initializer_list<double>& at) {
    const double* t = at.begin();
    return Flow::sum({{0.6, flow.tap(a.delay, samples(t[0]))},
                      {0.6, flow.tap(a.delay, samples(t[1]))},
                      {-0.6, flow.tap(a.diffuser, samples(t[2]))},
                      {0.6, flow.tap(a.end, samples(t[3]))},
                      {-0.6, flow.tap(b.delay, samples(t[4]))},
                      {-0.6, flow.tap(b.diffuser, samples(t[5]))},
                      {-0.6, flow.tap(b.end, samples(t[6]))}});
  };
  const auto first = output(right, left, {266, 2974, 1913, 1996, 1990, 187, 1066});
  const auto second = output(left, right, {353, 3627, 1228, 2673, 2111, 335, 121});
  return flow.network({first, second}, rate_hz);
}

}  // namespace diffverb::runtime::bench
