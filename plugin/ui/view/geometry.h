#pragma once

#include <algorithm>

namespace diffverb::ui {

/// A place in the window, pixels from the upper left corner.
struct Spot {
  float x = 0, y = 0;
};

/// A rectangle in the window, pixels.
struct Box {
  float x = 0, y = 0, w = 0, h = 0;

  float right() const { return x + w; }
  float bottom() const { return y + h; }
  Spot centre() const { return {x + w / 2, y + h / 2}; }
  bool empty() const { return w <= 0 || h <= 0; }
  bool contains(Spot spot) const { return spot.x >= x && spot.x < right() && spot.y >= y && spot.y < bottom(); }
  bool contains(const Box& other) const {
    return other.x >= x && other.y >= y && other.right() <= right() && other.bottom() <= bottom();
  }
  bool overlaps(const Box& other) const {
    return x < other.right() && other.x < right() && y < other.bottom() && other.y < bottom();
  }

  /// The box without a margin.
  Box inset(float dx, float dy) const { return {x + dx, y + dy, std::max(0.f, w - 2 * dx), std::max(0.f, h - 2 * dy)}; }
  Box inset(float margin) const { return inset(margin, margin); }

  /// Cuts a strip off and returns it; what is left stays here, `gap` away from it.
  Box take_top(float height, float gap = 0) {
    const Box strip{x, y, w, height};
    y += height + gap;
    h = std::max(0.f, h - height - gap);
    return strip;
  }
  Box take_bottom(float height, float gap = 0) {
    h = std::max(0.f, h - height - gap);
    return {x, bottom() + gap, w, height};
  }
  Box take_left(float width, float gap = 0) {
    const Box strip{x, y, width, h};
    x += width + gap;
    w = std::max(0.f, w - width - gap);
    return strip;
  }
  Box take_right(float width, float gap = 0) {
    w = std::max(0.f, w - width - gap);
    return {right() + gap, y, width, h};
  }
};

}  // namespace diffverb::ui
