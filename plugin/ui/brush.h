#pragma once

#include <NanoVG.hpp>
#include <span>
#include <string>

#include "plugin/ui/ink.h"
#include "plugin/ui/view/geometry.h"

namespace diffverb::ui {

/// Draws through NanoVG, with sizes as they are at 100 %.
class Brush {
 public:
  enum class Align { kLeft, kCentre, kRight };

  Brush(DGL_NAMESPACE::NanoVG& vg, float scale) : vg_(vg), scale_(scale) {}

  float scale() const { return scale_; }

  void fill(const Box& box, Ink ink, float radius = 0);
  /// A line just within the box.
  void outline(const Box& box, Ink ink, float radius = 0, float width = 1);
  void disc(Spot centre, float pixels, Ink ink);
  void line(Spot from, Spot to, Ink ink, float width = 1);
  void path(std::span<const Spot> spots, Ink ink, float width);
  /// The area between a curve and a level line.
  void area(std::span<const Spot> spots, float base, Ink ink);
  void arc(Spot centre, float pixels, float from, float to, Ink ink, float width);
  /// One line, in the middle of the box's height. Text that is too wide gets smaller, down to three quarters, and then
  /// ends in an ellipsis.
  void text(const std::string& text, const Box& box, Align align, float size, Ink ink);
  float text_width(const std::string& text, float size);

  void clip(const Box& box) { vg_.scissor(box.x, box.y, box.w, box.h); }
  void unclip() { vg_.resetScissor(); }

 private:
  std::string cut_to_width(std::string text, float width, float size);

  DGL_NAMESPACE::NanoVG& vg_;
  float scale_;
};

}  // namespace diffverb::ui
