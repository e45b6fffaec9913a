#pragma once

#include <span>
#include <string>
#include <vector>

#include "plugin/ui/view/decay_bands.h"
#include "plugin/ui/view/geometry.h"

namespace diffverb::ui {

/// Time to the right and level upwards: what both plots share.
struct Plot {
  Box box;  ///< where the curves are
  double end_s = 1;
  float lowest_db = -60;

  float x(double seconds) const { return box.x + box.w * static_cast<float>(seconds / end_s); }
  float y(float db) const;  ///< 0 dB at the top; clamped
};

/// The time axis for a response: up to where it has fallen by 60 dB, rounded up to 1, 1.5, 2, 3, 4, 5 or 8 in
/// its decade, 50 ms to 50 s.
double axis_end_s(const ResponsePicture& picture);

struct Tick {
  double seconds;
  std::string text;
};
/// Five or fewer, without the one at 0.
std::vector<Tick> time_ticks(double end_s);

/// A decay curve, at most two points for each pixel, that ends where it leaves the plot.
std::vector<Spot> curve(const BandDecay& band, const Plot& plot);

/// The loudest sample in each pixel column, dB; `lowest_db` where there is none.
std::vector<float> columns(std::span<const float> peak_db, const Plot& plot);

}  // namespace diffverb::ui
