#pragma once

#include "plugin/ui/host/x11_window.h"
#include "plugin/ui/view/geometry.h"

namespace diffverb::ui {

/// How many colours there are in a part of a picture.
inline int colours_in(const Pixels& pixels, const Box& box) {
  Pixels part;
  for (int y = static_cast<int>(box.y); y < static_cast<int>(box.bottom()); ++y)
    for (int x = static_cast<int>(box.x); x < static_cast<int>(box.right()); ++x) {
      const auto at = pixels.rgb.begin() + 3 * (static_cast<std::ptrdiff_t>(y) * pixels.width + x);
      part.rgb.insert(part.rgb.end(), at, at + 3);
    }
  return part.colours();
}

/// How many pixels of a colour.
inline int pixels_of(const Pixels& pixels, const Box& box, int red, int green, int blue) {
  int count = 0;
  for (int y = static_cast<int>(box.y); y < static_cast<int>(box.bottom()); ++y)
    for (int x = static_cast<int>(box.x); x < static_cast<int>(box.right()); ++x) {
      const std::uint8_t* at = pixels.rgb.data() + 3 * (static_cast<std::ptrdiff_t>(y) * pixels.width + x);
      count += at[0] == red && at[1] == green && at[2] == blue;
    }
  return count;
}

}  // namespace diffverb::ui
