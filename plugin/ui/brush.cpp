#include "plugin/ui/brush.h"

#include <algorithm>
#include <cmath>

namespace diffverb::ui {
namespace {

using DGL_NAMESPACE::Color;
using DGL_NAMESPACE::NanoVG;
using DGL_NAMESPACE::Rectangle;

constexpr float kSmallestShare = 0.75f;

Color color(Ink ink) { return Color(ink.red, ink.green, ink.blue, ink.alpha); }

}  // namespace

void Brush::fill(const Box& box, Ink ink, float radius) {
  vg_.beginPath();
  if (radius > 0) {
    vg_.roundedRect(box.x, box.y, box.w, box.h, radius * scale_);
  } else {
    vg_.rect(box.x, box.y, box.w, box.h);
  }
  vg_.fillColor(color(ink));
  vg_.fill();
}

void Brush::outline(const Box& box, Ink ink, float radius, float width) {
  const float pixels = std::max(1.f, std::round(width * scale_));
  const Box line = box.inset(pixels / 2);
  vg_.beginPath();
  vg_.roundedRect(line.x, line.y, line.w, line.h, radius * scale_);
  vg_.strokeColor(color(ink));
  vg_.strokeWidth(pixels);
  vg_.stroke();
}

void Brush::disc(Spot centre, float pixels, Ink ink) {
  vg_.beginPath();
  vg_.circle(centre.x, centre.y, pixels);
  vg_.fillColor(color(ink));
  vg_.fill();
}

void Brush::line(Spot from, Spot to, Ink ink, float width) {
  const Spot ends[] = {from, to};
  path(ends, ink, width);
}

void Brush::path(std::span<const Spot> spots, Ink ink, float width) {
  if (spots.size() < 2) return;
  vg_.beginPath();
  vg_.moveTo(spots[0].x, spots[0].y);
  for (const Spot& spot : spots.subspan(1)) vg_.lineTo(spot.x, spot.y);
  vg_.lineJoin(NanoVG::ROUND);
  vg_.lineCap(NanoVG::BUTT);
  vg_.strokeColor(color(ink));
  vg_.strokeWidth(std::max(1.f, width * scale_));
  vg_.stroke();
}

void Brush::area(std::span<const Spot> spots, float base, Ink ink) {
  if (spots.size() < 2) return;
  vg_.beginPath();
  vg_.moveTo(spots[0].x, base);
  for (const Spot& spot : spots) vg_.lineTo(spot.x, spot.y);
  vg_.lineTo(spots.back().x, base);
  vg_.closePath();
  vg_.fillColor(color(ink));
  vg_.fill();
}

void Brush::arc(Spot centre, float pixels, float from, float to, Ink ink, float width) {
  if (to - from < 1e-3f) return;
  vg_.beginPath();
  vg_.arc(centre.x, centre.y, pixels, from, to, NanoVG::CW);
  vg_.lineCap(NanoVG::ROUND);
  vg_.strokeColor(color(ink));
  vg_.strokeWidth(width * scale_);
  vg_.stroke();
}

float Brush::text_width(const std::string& text, float size) {
  Rectangle<float> bounds;
  vg_.fontFace(NANOVG_DEJAVU_SANS_TTF);
  vg_.fontSize(size * scale_);
  return vg_.textBounds(0, 0, text.c_str(), nullptr, bounds);
}

std::string Brush::cut_to_width(std::string text, float width, float size) {
  while (!text.empty() && text_width(text + "…", size) > width) {
    unsigned char last = 0;
    do {  // whole characters of UTF-8
      last = static_cast<unsigned char>(text.back());
      text.pop_back();
    } while (!text.empty() && (last & 0xC0) == 0x80);
  }
  return text + "…";
}

void Brush::text(const std::string& text, const Box& box, Align align, float size, Ink ink) {
  if (text.empty() || box.empty()) return;
  std::string shown = text;
  const float width = text_width(shown, size);
  if (width > box.w) {
    size *= std::max(kSmallestShare, box.w / width);
    if (text_width(shown, size) > box.w + 0.5f) shown = cut_to_width(shown, box.w, size);
  }
  const float x = align == Align::kLeft ? box.x : align == Align::kRight ? box.right() : box.centre().x;
  const int across = align == Align::kLeft    ? NanoVG::ALIGN_LEFT
                     : align == Align::kRight ? NanoVG::ALIGN_RIGHT
                                              : NanoVG::ALIGN_CENTER;
  vg_.fontFace(NANOVG_DEJAVU_SANS_TTF);
  vg_.fontSize(size * scale_);
  vg_.textAlign(across | NanoVG::ALIGN_MIDDLE);
  vg_.fillColor(color(ink));
  vg_.text(std::round(x), std::round(box.centre().y), shown.c_str(), nullptr);
}

}  // namespace diffverb::ui
