#pragma once

#include <cstddef>
#include <vector>

#include "runtime/mixing_product.h"
#include "runtime/motion_kernels.h"
#include "runtime/oscillators.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// A feedback matrix that turns sample by sample, for the engine: T(t) turn_right s, which the rows of turn_left are then
/// applied to. The constructor allocates everything.
class TurningMatrix {
 public:
  TurningMatrix() = default;
  /// Reads: weights that check_network accepted, the row of each line among the signals, the most frames of a chunk.
  TurningMatrix(const DelayNetworkWeights& weights, const std::vector<int>& row_of_line, int most_frames);

  bool is_empty() const { return pairs_.empty(); }
  void reset() noexcept;
  /// Makes the radii and angles of the next chunk.
  void advance(int frames) noexcept;
  /// T turn_right s of some frames that stand at `at` of the chunk; `signals` begin there. [N], until the next call.
  const float* const* turned(const float* const* signals, std::size_t at, int frames) noexcept;

 private:
  struct Pair {
    TurningPair formula;
    int radius = -1, angle = -1;  // oscillators, -1: none
    bool is_still = false;        // what stands in cos_ and sin_ stays
    double turns_a_sample = 0;
  };
  void advance(const Pair& pair, std::size_t at, int frames) noexcept;

  std::size_t lines_ = 0, stride_ = 0;
  std::vector<Pair> pairs_;
  std::vector<int> rows_;  // of the signals, where turn_right is the identity
  MixingProduct right_;
  Oscillators oscillators_;
  double time_ = 0;         // samples since reset(): whole, far below 2^53
  Doubles radius_, angle_;  // [cell]
  Floats cos_, sin_;        // [pairs, stride] r cos theta, r sin theta
  Floats mixed_, turned_;   // [N, stride]
  std::vector<float*> mixed_rows_;
  std::vector<const float*> turned_rows_;
};

}  // namespace diffverb::runtime
