#pragma once

#include <vector>

#include "datasets/dataset.h"

namespace diffverb {

/// Stretches of a pair (datasets/measured_pair.h) as examples: a step takes as long and as much memory for a pair of a
/// minute as for one of ten seconds.
///
/// kTrain are places drawn from the example's seed (evenly spaced ones for seed 0), kValidation the stretches of the
/// held-back part one after the other. What is nearly silent in a channel is none: nothing can be measured against it.
///
/// An example is one row, [1, I (R + T) + C T]: R + T samples of each dry channel (R before the wet ones begin; zeros
/// where the pair has not begun), then T of each wet channel. take_apart() is what reads it.
class PairExcerpts final : public Dataset {
 public:
  struct Shape {
    std::int64_t samples = 0;    // T
    std::int64_t run_in = 0;     // R
    std::int64_t held_back = 0;  // the first sample that no step sees
  };
  /// Reads    dry [I, N], wet [C, N]
  /// Throws   DataError where the training or the held-back part is shorter than an excerpt, or silent in a channel
  PairExcerpts(const at::Tensor& dry, const at::Tensor& wet, double sample_rate_hz, const Shape& shape);

  struct Parts {
    at::Tensor dry;  // [B, I, R + T]
    at::Tensor wet;  // [B, C, T]
  };
  /// Reads    rows [B, 1, I (R + T) + C T]
  Parts take_apart(const at::Tensor& rows) const;

  void open() override {}
  double sample_rate_hz() const override { return rate_hz_; }
  std::int64_t samples() const override;
  std::int64_t size(Split split) const override;
  at::Tensor example(Split split, std::int64_t index, std::uint64_t seed) const override;
  std::string describe(Split split, std::int64_t index) const override;
  std::map<std::string, std::int64_t> licences(Split) const override { return {}; }

 private:
  bool is_audible(std::int64_t start) const;
  std::vector<std::int64_t> audible_places(std::int64_t from, std::int64_t to) const;
  std::int64_t drawn_place(std::int64_t index, std::uint64_t seed) const;

  at::Tensor dry_, wet_;  // float32
  at::Tensor energy_;     // [C, N + 1] float64, running sums of the wet channels' squares
  at::Tensor sum_;        // and of themselves: a constant is not heard
  double rate_hz_ = 0;
  Shape shape_;
  std::vector<std::int64_t> training_, validation_;  // where evenly spaced excerpts begin
};

}  // namespace diffverb
