#pragma once

#include <vector>

#include "runtime/aligned.h"
#include "runtime/filter_kernels.h"
#include "runtime/first_order_kernel.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// The filters of some lines that are played side by side, each a cascade. A few of the first order are played one by
/// one, a vector of time at once; else all together, a lane each. The constructor allocates everything.
class LineFilters {
 public:
  LineFilters() = default;
  /// A cascade for each line, one section at least; the most frames of run().
  LineFilters(const std::vector<std::vector<Biquad>>& cascades, int most_frames);

  int lanes() const { return bank_.lanes; }
  void reset() noexcept;
  /// In place; the table of lines has a multiple of four places, kPad samples behind `frames` are written too.
  void run(float* const* lines, int frames) noexcept;
  /// The same of a product instead of what stands in the lines; in_lanes() only.
  void run(const LaneMix& mix, float* const* lines, int frames) noexcept;
  /// Whether the lines are filtered in lanes.
  bool in_lanes() const { return bank_.lanes > 0; }

 private:
  int count_ = 0;
  std::vector<FirstOrder<float>> first_order_;
  FilterBank bank_;
  Floats coefficients_, state_, interleaved_;
};

}  // namespace diffverb::runtime
