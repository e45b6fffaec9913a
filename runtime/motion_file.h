#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/safetensors.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// What moves in a network, as tensors of a file: delay_motion_lines [M], delay_motions [M, 4], turning [P, 9] (their
/// columns in the order of DelayMotion and TurningPair), turn_left and turn_right [N, N]. A network that stands still
/// has none of them.
bool is_motion_tensor(std::string_view name);
/// Returns an empty string, or the reason: what belongs together must be there together.
std::string read_motion(const Container& file, DelayNetworkWeights& weights);

/// The values to be written; the weights must live as long.
class MotionArrays {
 public:
  explicit MotionArrays(const DelayNetworkWeights& weights);
  void add_to(std::map<std::string, Tensor, std::less<>>& tensors, int lines) const;

 private:
  const DelayNetworkWeights& weights_;
  std::vector<std::int32_t> lines_;
  std::vector<double> motions_, turning_;
};

}  // namespace diffverb::runtime
