#pragma once

#include <cstdint>

#include "models/model.h"

namespace diffverb {

/// A model of what a space does to a signal. One that is not linear has no impulse response that says all, so it is
/// trained on a pair: what was played into the space, and what was recorded there.
///
/// Returns  forward(target): "ir" [B, O, T], what play() makes of target's "dry" [B, I, T], at the target's rate; without
///          "dry" an impulse of unit height at all inputs is played, as long as the target, or as samples() where there
///          is none
class SignalModel : public Model {
 public:
  virtual std::int64_t inputs() const = 0;
  virtual std::int64_t outputs() const = 0;
  virtual double sample_rate_hz() const = 0;
  /// Length of the response that forward() gives without a target.
  virtual std::int64_t samples() const = 0;
  /// Takes parameters and constants to a device.
  virtual void move_to(at::Device device) = 0;
  /// What comes out of an input [B, I, T]: [B, O, T], in the input's type and on its device; causal; what rings on after
  /// the input is cut off.
  /// Gradient to the parameters and to the input
  virtual at::Tensor play(const at::Tensor& input) const = 0;
  /// Begins from what a pair says of the space, as far as the model can tell; of the model's own rate and channels.
  /// Reads    dry [I, N], wet [O, N] float64, aligned; response_samples: how long a linear response may be looked for
  virtual void start_from(const at::Tensor& /*dry*/, const at::Tensor& /*wet*/, std::int64_t /*response_samples*/,
                          std::uint64_t /*seed*/) {}
  Response forward(const Response& target = {}) override;
};

}  // namespace diffverb
