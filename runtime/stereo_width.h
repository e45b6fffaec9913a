#pragma once

#include <array>
#include <span>
#include <vector>

namespace diffverb::runtime {

/// Left and right of a room: two latent points `width` apart along an axis, half of it to each side, heard through
/// noise (or phases) that is as coherent as a diffuse field is at two microphones `width` metres apart:
///
///   coherence(f) = max(0, sin(x) / x),  x = 2 pi f |width| / (343 m/s)
///
/// 0 is mono, the same sound twice; a negative width changes sides.
struct StereoWidth {
  double width = 0.2;  ///< about two ears; at most as wide as the latent box
  int axis = 0;        ///< of the latent point
};

/// Of what left and right hear at a frequency.
double diffuse_coherence(double hz, double width);

/// The two points of a pair, left and right; both are moved together into the box of -bound to bound where one of them
/// would leave it.
std::array<std::vector<double>, 2> stereo_points(std::span<const double> latent, double bound,
                                                 const StereoWidth& width);

}  // namespace diffverb::runtime
