#pragma once

#include <cstddef>
#include <vector>

#include "runtime/first_order_kernel.h"
#include "runtime/motion_kernels.h"
#include "runtime/oscillators.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// How far the delays of a network's lines are from where they rest, sample by sample, for the engine: a row for each
/// line that moves. It follows the loudness of the input. The constructor allocates everything.
class LineMotions {
 public:
  LineMotions() = default;
  /// Reads: weights that check_network accepted; the most frames that advance() takes, kPad more in a row.
  LineMotions(const DelayNetworkWeights& weights, int most_frames);

  bool is_empty() const { return lines_.empty(); }
  /// -1: the line stands still.
  int row_of(int line) const { return row_of_[static_cast<std::size_t>(line)]; }
  void reset() noexcept;
  /// The next samples; input [I].
  void advance(Rows input, int frames) noexcept;
  /// The line is to be read whole - part samples further back than where it rests.
  const int* whole(int row) const { return whole_.data() + static_cast<std::size_t>(row) * stride_; }
  const float* part(int row) const { return part_.data() + static_cast<std::size_t>(row) * stride_; }

 private:
  struct Motion {
    int sine = 0, noise = 0;  // oscillators
    double depth = 0;
  };
  void follow_loudness(Rows input, int frames) noexcept;

  std::vector<std::vector<Motion>> lines_;  // of a row
  std::vector<int> row_of_;                 // [N]
  Oscillators oscillators_;
  std::size_t inputs_ = 0, stride_ = 0;
  FirstOrder<double> mean_square_;
  Doubles level_, moved_;  // [stride]
  Ints whole_;             // [rows, stride]
  Floats part_;            // [rows, stride]
};

}  // namespace diffverb::runtime
