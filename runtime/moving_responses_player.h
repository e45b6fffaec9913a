#pragma once

#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/convolver.h"
#include "runtime/moving_responses.h"

namespace diffverb::runtime {

/// Plays responses between which a sound moves (moving_responses.h), without latency: gains at every sample, each
/// response by a convolver. Those whose gain behind them stands still are one convolver together.
/// The result does not depend on how the input is cut into blocks.
class MovingResponsesPlayer {
 public:
  /// Reads: responses that check_moving accepted; they must live on. Allocates; the only function that does.
  void prepare(const MovingResponses& moving, int outputs, int inputs, double sample_rate_hz);
  void reset() noexcept;
  /// Adds to `out`: row o at out + o out_stride. `in` likewise; any number of frames; kPad floats behind both are used.
  void add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept;

 private:
  static constexpr int kChunk = 128;
  void add_chunk(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept;
  void feed(const std::vector<int>& responses, const float* in, std::size_t in_stride, int frames) noexcept;

  int outputs_ = 0, inputs_ = 0;
  MovingGains gains_;
  std::vector<int> still_;  // responses whose gain behind them stands still: in one convolver
  Convolver together_;
  std::vector<std::vector<int>> moved_;  // the others, one each
  std::vector<Convolver> alone_;
  Floats before_, after_;  // [R, kChunk]
  Floats fed_;             // [inputs of a convolver, stride]
  Floats made_;            // [O, stride]
};

}  // namespace diffverb::runtime
