#pragma once

#include <cstdint>
#include <functional>

#include "core/tensor.h"

namespace diffverb {

/// The loudest that a search finds a system to become.
struct WorstInput {
  double peak = 0;   // max |y|; infinite where the output or its gradient is not finite any more
  at::Tensor input;  // [I, T], within +-size
};

struct WorstInputSearch {
  std::int64_t inputs = 1, samples = 24000;
  double size = 1;  // of the input
  int steps = 40, seeds = 4;
};

/// Looks for an input within +-size that makes the output of `play` as loud as possible: ascent of max |y| by its gradient
/// to the input, from noise of several seeds. Full steps, u = size sign(dy / du), which find the worst input of a linear
/// system at once, take turns with short ones; what was reached is put off to the end, so that all before it can add to it.
/// Reads    play  [I, T] float64 -> [O, T], with a gradient
WorstInput find_worst_input(const std::function<at::Tensor(const at::Tensor&)>& play, const WorstInputSearch& search);

}  // namespace diffverb
