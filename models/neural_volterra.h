#pragma once

#include <cstdint>
#include <vector>

#include "models/term_model.h"

namespace diffverb {

/// A Volterra kernel as a network: a frame of the last samples through one hidden layer, at every sample.
///
///   y_o(n) = sum_h output_oh (relu(hidden_h . frame(n) + bias_h) - relu(bias_h))
///
/// frame(n) is what came in last, `frame` samples of each input with u(n) the newest: causal, hop 1, no latency. With
/// state_ms the hidden layer depends on how loud the input was over these times (models/frame_network.h): kernels that
/// change with the state. They begin as if they did not.
///
/// Bound     |y_o| <= sum_h |output_oh| ((1 + sum_k |scale_hk| x) (|bias_h| + |hidden_h|_1 x) + sum_k |shift_hk| x) for
///           |u| <= x, as no level passes x: bound(x)
/// Memory    an output sample depends on `frame` samples of the input, and with state_ms on some 28 state_ms more
/// Reads     frame (samples), hidden (units), state_ms (a list), level_db: of the start, re a layer drawn at unit gain; seed
/// Gradient  to all weights and to the input
class NeuralVolterra final : public TermModel {
 public:
  explicit NeuralVolterra(Fields& fields) : NeuralVolterra(fields, SignalShape::read(fields)) {}
  NeuralVolterra(Fields& fields, const SignalShape& shape);

  Parts parts() const override;
  std::int64_t samples() const override { return frame_; }
  std::int64_t frame() const { return frame_; }
  double bound(double peak) const;

 private:
  std::int64_t frame_ = 128, hidden_ = 64;
  std::vector<double> state_ms_;
};

}  // namespace diffverb
