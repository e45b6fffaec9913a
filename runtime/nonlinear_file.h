#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/safetensors.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// A loop that is not linear, as tensors of a file: nonlinear [10] (limit, alpha_min, alpha_max, bias, depth, rate_hz,
/// phase_turns, slope, reference, time_s), nonlinear_square [N], nonlinear_out [N, R], nonlinear_left and nonlinear_right
/// [R, N]. A linear one has none of them.
bool is_nonlinear_tensor(std::string_view name);
/// Returns an empty string, or the reason: what belongs together must be there together.
std::string read_nonlinear(const Container& file, int lines, NonlinearLoop& loop);

/// The values to be written; the loop must live as long.
class NonlinearArrays {
 public:
  explicit NonlinearArrays(const NonlinearLoop& loop);
  void add_to(std::map<std::string, Tensor, std::less<>>& tensors, int lines) const;

 private:
  const NonlinearLoop& loop_;
  std::vector<double> numbers_;
};

/// That numbers and sizes are within their limits, so that the bound of nonlinear_loop.h holds, that filter lines take no
/// part, and that nothing moves beside it. Reads: weights whose other sizes were checked. Returns an empty string, or the
/// first reason against it.
std::string check_nonlinear(const DelayNetworkWeights& weights);

}  // namespace diffverb::runtime
