#pragma once

#include <span>
#include <vector>

#include "runtime/convolver.h"

namespace diffverb::runtime {

/// Plays a stereo response: left in through the left response, right in through the right one, without latency.
///
/// prepare() allocates everything; process() is noexcept, allocates nothing and takes blocks of any size. An input
/// sample that is not finite, or beyond 1e9, counts as silence.
class ResponsePlayer {
 public:
  static constexpr int kBlock = 512;

  /// Responses of one length, 1 or more.
  void prepare(std::span<const float> left, std::span<const float> right);
  void reset() noexcept;
  /// in [2][frames] -> out [2][frames]; an output may be the memory of its input.
  void process(const float* const* in, float* const* out, int frames) noexcept;

 private:
  Convolver channels_[2];
  std::vector<float> in_, out_;
};

}  // namespace diffverb::runtime
