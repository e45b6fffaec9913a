#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/network/delay_network.h"
#include "core/tensor.h"

namespace diffverb {

/// A reverberator written down as its published diagram is drawn; what comes out is a delay network.
///
///     SignalFlow flow(1, 48000);
///     const auto loop = flow.loop();
///     const auto line = flow.delay(flow.input(0) + loop, 1557);
///     flow.close(loop, 0.7 * flow.filter(line, damping));
///     const DelayNetwork comb = flow.network({line});
///
/// A signal is a sum of line outputs and inputs, each with a gain; gains and delays may be tensors, through which
/// gradients flow. All is in float64; the delays may be fractional (with_whole_delays).
class SignalFlow {
 public:
  /// A number that may be a tensor of one element.
  class Gain {
   public:
    Gain(double value) : value_(value) {}
    Gain(at::Tensor tensor) : tensor_(std::move(tensor)) {}
    at::Tensor tensor() const;  // float64, no dimensions

   private:
    double value_ = 0;
    at::Tensor tensor_;
  };

  class Signal {
   public:
    Signal() = default;  // silence
    friend Signal operator+(const Signal& a, const Signal& b);
    friend Signal operator-(const Signal& a, const Signal& b) { return a + (-1.0) * b; }
    friend Signal operator*(const Gain& gain, const Signal& signal);

   private:
    friend class SignalFlow;
    std::map<std::int64_t, at::Tensor> terms_;  // source -> gain, a number
  };

  SignalFlow(std::int64_t inputs, double sample_rate_hz);

  double sample_rate_hz() const { return rate_hz_; }
  Signal input(std::int64_t index) const;
  /// A delay line: what goes in is filtered by `sos` [S, 5] (b0 b1 b2 a1 a2), if given, and delayed.
  Signal delay(const Signal& in, const Gain& samples, const at::Tensor& sos = {});
  /// Filters without delay.
  Signal filter(const Signal& in, const at::Tensor& sos) { return delay(in, 0.0, sos); }
  /// What went into the line that `line` is the output of, `samples` ago, before its filter: a tap inside it.
  Signal tap(const Signal& line, const Gain& samples);
  /// A signal that is known later. Circles of it must pass a delay, or have a gain other than 1.
  Signal loop();
  void close(const Signal& loop, const Signal& value);

  /// The lattice y = -g v + D(v), v = x + g D(v), around whatever `inside` makes of v: with D of unit gain an allpass.
  Signal allpass(const Signal& in, const Gain& g, const std::function<Signal(const Signal&)>& inside);
  /// The Schroeder allpass.
  Signal allpass(const Signal& in, const Gain& g, const Gain& samples);

  /// Number of the line that a signal is the output of.
  std::int64_t line_of(const Signal& line) const;
  std::int64_t lines() const { return static_cast<std::int64_t>(lines_.size()); }

  /// Throws   ContractError where a loop was left open, or closes without delay at a gain of 1
  DelayNetwork network(const std::vector<Signal>& outputs, at::ScalarType dtype = at::kDouble) const;

 private:
  struct Line {
    Signal in;
    at::Tensor samples, sos;
  };
  /// Sources by number: inputs from 0, lines from kLines, loops from kLoops.
  static constexpr std::int64_t kLines = std::int64_t{1} << 20, kLoops = std::int64_t{1} << 40;
  static Signal source(std::int64_t number);
  at::Tensor rows_of(const std::vector<Signal>& signals, std::int64_t first, std::int64_t count) const;

  std::int64_t inputs_;
  double rate_hz_;
  std::vector<Line> lines_;
  std::vector<Signal> loops_;
  std::vector<bool> closed_;
};

SignalFlow::Signal operator+(const SignalFlow::Signal& a, const SignalFlow::Signal& b);
SignalFlow::Signal operator*(const SignalFlow::Gain& gain, const SignalFlow::Signal& signal);

}  // namespace diffverb
