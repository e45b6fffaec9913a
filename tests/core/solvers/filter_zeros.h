#pragma once

#include <ATen/ops/tensor.h>

#include "core/tensor.h"

namespace diffverb {

/// [4, 2, 5], sections of which some are zero at 0 or pi, once or twice, and one lets nothing pass.
inline at::Tensor sections_with_zeros() {
  return at::tensor({0.25, 0.5,  0.25, 0.0,  0.0, 0.25, 0.5,   0.25, 0.1, 0.2,  // twice at pi, two sections
                     0.5,  -0.5, 0.0,  -0.9, 0.0, 1.0,  0.0,   0.0,  0.0, 0.0,  // at 0
                     0.0,  0.0,  0.0,  0.0,  0.0, 0.5,  0.1,   0.0,  0.0, 0.0,  // silent
                     0.5,  0.0,  -0.5, 0.0,  0.1, 0.25, -0.50, 0.25, 0.0, 0.0},
                    at::kDouble)
      .reshape({4, 2, 5});
}

}  // namespace diffverb
