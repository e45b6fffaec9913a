#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/network/delay_network.h"
#include "core/network/line_motion.h"
#include "core/network/signal_flow.h"
#include "core/network/turning_matrix.h"
#include "core/tensor.h"
#include "models/knobs.h"
#include "models/model.h"

namespace diffverb {

/// A reverberator with a structure of its own: a delay network whose numbers stand in the config.
///
/// A model says its numbers in its constructor (own().add) and draws its diagram in build(). All else is done here:
/// rates, decay time, learning, rendering and export.
///
/// Reads    sample_rate_hz  of what forward() returns
///          seconds         how long that is
///          t60_s           decay time at 500 Hz and 1 kHz; found by moving the model's own knob for it, within 2 %
///          learn           names of the numbers that are learned
/// Returns  forward(): "ir" [1, O, T], to an impulse at all inputs at once; "feedback_matrix" [N, N]
/// Gradient to the learned numbers
class NetworkModel : public Model {
 public:
  /// The diagram at this rate, in float64; delays may be fractional.
  virtual DelayNetwork build(double sample_rate_hz) const = 0;
  /// How its lines move while it plays; none: it stands still. Numbers of lines as in build() at this rate.
  virtual std::vector<LineMotion> motion(double /*sample_rate_hz*/) const { return {}; }
  /// How its feedback matrix moves while it plays; none: it stands still. At rest it is the matrix of build().
  virtual std::optional<TurningMatrix> turning(double /*sample_rate_hz*/) const { return std::nullopt; }
  /// Which number sets the decay time, growing with it; none where the structure has none.
  virtual std::string decay_knob() const { return ""; }
  /// For what has to be settled before build() when a decay time is asked for: which room, how large.
  virtual void prepare_for(double /*t60_s*/) {}

  /// build() as it is played: delays that nobody learns become whole samples, learned ones an allpass interpolator.
  DelayNetwork network(double sample_rate_hz, at::ScalarType dtype = at::kFloat) const;
  /// What comes out while it moves, of an input [I, T] at its own rate: [O, T], in float64 where the input is. forward()
  /// is the response at rest.
  /// Reads    level [T] in 0 .. 1 (core/network/line_motion.h), undefined: 0 throughout
  /// Gradient to the learned numbers, and those of the motion
  at::Tensor play(const at::Tensor& input, const at::Tensor& level = {}) const;
  /// Moves the decay knob until the network decays in this time. Returns the time that was reached.
  /// Throws   ConfigError where there is no such knob, or its range does not reach that far (the times that it does reach
  ///          are named); the knob then stands at the nearer end
  double set_t60(double t60_s);

  const Knobs& knobs() const { return knobs_; }
  double sample_rate_hz() const { return rate_hz_; }
  /// Length of what forward() returns.
  std::int64_t samples() const { return static_cast<std::int64_t>(seconds_ * rate_hz_); }
  void set_sample_rate(double sample_rate_hz) { rate_hz_ = sample_rate_hz; }
  std::map<std::string, at::Tensor> parameters() const override { return knobs_.parameters(); }
  Response forward(const Response& target = {}) override;

 protected:
  NetworkModel() = default;
  Knobs& own() { return knobs_; }
  /// Reads what all have, after the model's own; to be the last line of a constructor.
  void finish(Fields& fields);

 private:
  DelayNetwork rounded(double sample_rate_hz, at::ScalarType dtype) const;
  double measured_t60(double about_s) const;

  Knobs knobs_;
  double rate_hz_ = 48000, seconds_ = 2;
  std::optional<double> t60_s_;
};

/// Decay time at 500 Hz and 1 kHz, the mean of T30, of a network's first output to an
/// impulse at all inputs. 0 where it does not decay by 40 dB within `seconds`.
double decay_time_of(const DelayNetwork& network, double seconds);

}  // namespace diffverb
