#pragma once

#include <cstddef>
#include <vector>

#include "runtime/mixing_product.h"
#include "runtime/motion_kernels.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// Squares, products and saturation of a network's loop, for the engine. The constructor allocates everything.
///
/// e and alpha follow in double precision, sample by sample, so that they do not depend on how the sound is cut into blocks.
class NonlinearPlayer {
 public:
  NonlinearPlayer() = default;
  /// Reads: weights that check_network accepted, the row of each line among the signals, the most frames of a chunk.
  NonlinearPlayer(const DelayNetworkWeights& weights, const std::vector<int>& row_of_line, int most_frames);

  bool is_empty() const { return lines_.empty(); }
  void reset() noexcept;
  /// What all lines of a block add up to; `signals` begin at it. To be called once for each block, in their order.
  void follow(const float* const* signals, int frames) noexcept;
  /// The products (left s) (right s) of the block: [R].
  const float* const* products() const { return left_rows_.data(); }
  /// A row of A s + B u + out products, to what its line takes in.
  void finish(int line, const float* const* signals, int frames, float* w) const noexcept;

 private:
  double drive_at(double time) const noexcept;

  NonlinearLoop loop_;
  std::vector<int> lines_;        // those that have a delay
  std::vector<int> row_of_line_;  // of the signals
  MixingProduct to_left_, to_right_;
  bool has_squares_ = false;
  std::size_t stride_ = 0;
  double sample_s_ = 0, share_ = 0, level_ = 0;
  double time_ = 0;      // samples since reset(): whole, far below 2^53
  Floats left_, right_;  // [R, stride]
  std::vector<float*> left_rows_, right_rows_;
  Floats mean_square_, alpha_;  // [stride]
};

}  // namespace diffverb::runtime
