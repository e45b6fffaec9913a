#pragma once

#include <cstdint>

#include "core/seed.h"
#include "core/tensor.h"

namespace diffverb {

/// Points that fill the unit cube evenly, set after set, by operators alone: what is drawn in a step follows from the
/// number of sets drawn before, so that a resumed run goes on with the points of an uninterrupted one.
///
///   x_k = frac(x_0 + k a),   a_j = g^-j,   g > 1 the root of g^{D+1} = g + 1;   x_0 from the seed
///
/// Source   Roberts 2018, The unreasonable effectiveness of quasirandom sequences; Kronecker's sequence
class SpreadPoints {
 public:
  SpreadPoints() = default;
  SpreadPoints(std::int64_t dimensions, Random& random);

  /// Reads    set: how many sets were drawn before, an int64 scalar tensor
  /// Returns  [count, D] float64 within [0, 1)
  at::Tensor draw(const at::Tensor& set, std::int64_t count) const;
  void move_to(at::Device device);

 private:
  at::Tensor start_, step_;  // [D] float64
};

}  // namespace diffverb
