#include "runtime/stereo_width.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diffverb::runtime {
namespace {

constexpr double kSoundMetresPerSecond = 343;

}  // namespace

double diffuse_coherence(double hz, double width) {
  const double x = 2 * std::numbers::pi * hz * std::abs(width) / kSoundMetresPerSecond;
  return x < 1e-9 ? 1 : std::max(0.0, std::sin(x) / x);
}

std::array<std::vector<double>, 2> stereo_points(std::span<const double> latent, double bound,
                                                 const StereoWidth& width) {
  std::vector<double> left(latent.begin(), latent.end());
  std::vector<double> right = left;
  if (left.empty()) return {left, right};
  const double half = std::clamp(width.width / 2, -bound, bound);
  const auto axis = static_cast<std::size_t>(std::clamp(width.axis, 0, static_cast<int>(left.size()) - 1));
  const double middle = std::clamp(left[axis], std::abs(half) - bound, bound - std::abs(half));
  left[axis] = middle + half;
  right[axis] = middle - half;
  return {left, right};
}

}  // namespace diffverb::runtime
