#include <cmath>

#include "plugin/ui/scene.h"

namespace diffverb::ui {
namespace {

constexpr float kHighDb = -6;

float y_of(const Box& box, float db) { return std::round(box.bottom() - box.h * Meter::position(db)); }

void paint_part(Brush& brush, const Box& box, float from_db, float to_db, Ink ink) {
  if (to_db <= from_db) return;
  const float top = y_of(box, to_db), bottom = y_of(box, from_db);
  brush.fill({box.x, top, box.w, bottom - top}, ink);
}

void paint_meter(Brush& brush, const Box& box, const Meter& meter) {
  brush.fill(box, ink::kPlot);
  const float level = meter.level_db();
  paint_part(brush, box, Meter::kLowestDb, std::min(level, kHighDb), ink::kAccent);
  paint_part(brush, box, kHighDb, std::min(level, Meter::kOverDb), ink::kWarning);
  paint_part(brush, box, Meter::kOverDb, level, ink::kAlarm);
  if (meter.peak_db() > Meter::kLowestDb) {
    const float y = y_of(box, meter.peak_db());
    const float high = std::max(1.f, std::round(1.5f * brush.scale()));
    brush.fill({box.x, y, box.w, high}, meter.peak_db() > Meter::kOverDb ? ink::kAlarm : ink::kText);
  }
  if (meter.over()) brush.fill({box.x, box.y, box.w, std::round(4 * brush.scale())}, ink::kAlarm);
}

}  // namespace

void paint_meters(Brush& brush, const Scene& scene) {
  const Layout& layout = scene.editor.layout();
  paint_panel(brush, layout.meters, "LEVEL, dB");
  const Box& first = layout.meter[0];
  for (const int db : {0, -12, -24, -36, -48, -60}) {
    const float y = y_of(first, static_cast<float>(db)), high = 12 * brush.scale();
    const float right = first.x - 5 * brush.scale(), left = layout.meters.x + 2 * brush.scale();
    brush.text(std::to_string(db), {left, y - high / 2, right - left, high}, Brush::Align::kRight, 10, ink::kFaint);
  }
  static constexpr const char* kNames[] = {"In", "L", "R"};
  for (std::size_t i = 0; i < layout.meter.size(); ++i) {
    paint_meter(brush, layout.meter[i], scene.editor.meters[i]);
    brush.text(kNames[i], layout.meter_label[i], Brush::Align::kCentre, 11, ink::kDim);
  }
  const std::string count = scene.cleared >= 1'000'000 ? "> 1e6" : std::to_string(scene.cleared);
  brush.text("cleared " + count, layout.cleared, Brush::Align::kCentre, 10.5f,
             scene.cleared > 0 ? ink::kWarning : ink::kFaint);
}

}  // namespace diffverb::ui
