#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "datasets/simulate/fractional_delay.h"

namespace diffverb {

using Point = std::array<double, 3>;  // metres

/// A shoebox room with one source and one receiver, as the image source method sees it.
struct Shoebox {
  Point size_m{};
  Point source_m{}, receiver_m{};
  /// Pressure reflection coefficients, sqrt(1 - absorption), of the walls x = 0, x = L, y = 0, y = W, z = 0, z = H;
  /// one for each band, as many for each wall.
  std::array<std::vector<double>, 6> reflection;
  double speed_m_s = 343;

  std::size_t bands() const { return reflection[0].size(); }
};

/// Which images count.
struct ImageLimits {
  int max_order = std::numeric_limits<int>::max();                  // reflections, all walls together
  double max_distance_m = std::numeric_limits<double>::infinity();  // from the receiver
  /// Amplitudes of the outermost stretch fade to zero as a quarter of a cosine.
  double fade_m = 0;
  /// Images of the first order on move by up to this much along the ray, as in a room that is no perfect box (against
  /// the sweeping echoes of one that is). The direct sound stays.
  double jitter_m = 0;
  std::uint64_t jitter_seed = 0;
};

/// Impulse trains, one a band: sample n of band b stands at data[b * stride + lead + n], for n from -lead on.
struct BandTrains {
  std::size_t bands = 0, samples = 0, lead = 0, stride = 0;
  std::vector<float> data;

  float* band(std::size_t b) { return data.data() + b * stride; }
  const float* band(std::size_t b) const { return data.data() + b * stride; }
};

/// Sum over all images of a shoebox (Allen and Berkley 1979), for each band by its own reflection coefficients.
///
///   h_b(t) = sum_i  prod_walls beta_{w,b}^{n_w(i)} / d_i  delta(t - d_i / c)
///
/// The image (u, v, w) lies at x = u L + (u even: x_s, u odd: L - x_s) and has met the far wall ceil(u / 2) times and
/// the near one floor(u / 2) times (u < 0: the other way round); the same in y and z. Air absorption is a matter of
/// time alone and left to the caller.
///
/// Reads    room; positions inside of it; samples, the length from the emission on; rate_hz
/// Returns  BandTrains; amplitudes below 1e-12 are left out, samples beyond the length too. The same for the same
///          number of threads, bit for bit
/// Throws   ContractError: a size or speed that is not above zero, positions outside, coefficients outside [0, 1],
///          no finite limit (max_order, max_distance_m and samples all unbounded cannot happen), more than 1e10 images
/// Source   Allen and Berkley, Image method for efficiently simulating small-room acoustics, JASA 65 (1979); De Sena et
///          al., On the modeling of rectangular geometries in room acoustic simulations, IEEE TASLP 23 (2015)
BandTrains image_source(const Shoebox& room, const ImageLimits& limits, const FractionalDelay& delay,
                        std::size_t samples, double rate_hz, int threads = 1);

/// How many images the limits leave: those nearer than max_distance_m and than `samples` lets be heard, up to
/// max_order.
std::int64_t count_images(const Shoebox& room, const ImageLimits& limits);

}  // namespace diffverb
