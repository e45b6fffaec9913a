#include <cmath>

#include "plugin/ui/scene.h"
#include "plugin/ui/view/plot.h"
#include "plugin/ui/view/value_text.h"

namespace diffverb::ui {
namespace {

constexpr float kSmall = 10;

void paint_grid(Brush& brush, const Plot& plot, std::span<const Tick> ticks) {
  brush.fill(plot.box, ink::kPlot);
  for (const Tick& tick : ticks) {
    const float x = std::round(plot.x(tick.seconds)) - 0.5f;
    brush.line({x, plot.box.y}, {x, plot.box.bottom()}, ink::kGrid.faded(0.6f), 1);
  }
}

void paint_level(Brush& brush, const Plot& plot, float y, const std::string& text) {
  const float high = 12 * brush.scale();
  brush.text(text, {plot.box.x - 30 * brush.scale(), y - high / 2, 25 * brush.scale(), high}, Brush::Align::kRight,
             kSmall, ink::kFaint);
}

void paint_decays(Brush& brush, const Scene& scene, const Plot& plot) {
  for (const float db : {0.f, -20.f, -40.f, -60.f}) {
    const float y = std::round(plot.y(db)) + (db < -50 ? -0.5f : 0.5f);
    brush.line({plot.box.x, y}, {plot.box.right(), y}, ink::kGrid, 1);
    paint_level(brush, plot, y, std::to_string(static_cast<int>(db)));
  }
  if (!scene.picture) return;
  brush.clip(plot.box);
  for (std::size_t i = scene.picture->bands.size(); i-- > 0;)
    brush.path(curve(scene.picture->bands[i], plot), ink::kBands[i], 1.6f);
  brush.unclip();
}

void paint_legend(Brush& brush, const Scene& scene) {
  Box free = scene.editor.layout().legend;
  const float line = std::min(19 * brush.scale(), free.h / 8);
  Box head = free.take_top(line);
  brush.text("T60", head, Brush::Align::kRight, kSmall, ink::kFaint);
  for (std::size_t i = 0; i < ink::kBands.size(); ++i) {
    const bool known = scene.picture && i < scene.picture->bands.size();
    const auto t60 = known ? scene.picture->bands[i].t60_s : std::nullopt;
    Box row = free.take_top(line);
    const Box mark = row.take_left(12 * brush.scale(), 5 * brush.scale());
    brush.line({mark.x, mark.centre().y}, {mark.right(), mark.centre().y}, ink::kBands[i], 2.5f);
    brush.text(hertz_text(std::ldexp(125, static_cast<int>(i))), row, Brush::Align::kLeft, 11, ink::kDim);
    brush.text(t60 ? seconds_text(*t60) : "–", row, Brush::Align::kRight, 11, ink::kText);
  }
}

// The left channel upwards, the right one downwards; the middle line is the lowest level.
void paint_response(Brush& brush, const Scene& scene, const Plot& plot) {
  const float middle = std::round(plot.box.centre().y);
  const auto channels = scene.picture ? scene.picture->peak_db.size() : 0;
  brush.clip(plot.box);
  for (std::size_t c = 0; c < std::min<std::size_t>(2, channels); ++c) {
    const std::vector<float> levels = columns(scene.picture->peak_db[c], plot);
    std::vector<Spot> spots(levels.size());
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const float high = (1 - levels[i] / plot.lowest_db) * plot.box.h / 2;
      spots[i] = {plot.box.x + static_cast<float>(i) + 0.5f, c == 0 ? middle - high : middle + high};
    }
    brush.area(spots, middle, ink::kAccent.faded(0.75f));
  }
  brush.unclip();
  brush.line({plot.box.x, middle}, {plot.box.right(), middle}, ink::kGrid, 1);
  const float edge = 5 * brush.scale();
  paint_level(brush, plot, plot.box.y + edge, "0");
  paint_level(brush, plot, middle, std::to_string(static_cast<int>(plot.lowest_db)));
  paint_level(brush, plot, plot.box.bottom() - edge, "0");
  Box corner = plot.box.inset(6 * brush.scale(), 2 * brush.scale());
  const Box left = corner.take_top(14 * brush.scale()), right = corner.take_bottom(14 * brush.scale());
  brush.text("L", left, Brush::Align::kRight, kSmall, ink::kDim);
  brush.text("R", right, Brush::Align::kRight, kSmall, ink::kDim);
}

void paint_time(Brush& brush, const Layout& layout, const Plot& plot, std::span<const Tick> ticks) {
  const float half = 30 * brush.scale();
  const Box& row = layout.time_axis;
  brush.text("0", {plot.box.x, row.y, half, row.h}, Brush::Align::kLeft, kSmall, ink::kFaint);
  for (const Tick& tick : ticks) {
    const float x = std::min(plot.x(tick.seconds), plot.box.right() - half * 0.55f);
    brush.text(tick.text, {x - half, row.y, 2 * half, row.h}, Brush::Align::kCentre, kSmall, ink::kFaint);
  }
}

// The decay time of all frequencies together.
void paint_readout(Brush& brush, const Scene& scene) {
  Box free = scene.editor.layout().readout;
  const auto t60 = scene.picture ? scene.picture->all.t60_s : std::nullopt;
  const float high = 42 * brush.scale();
  free = {free.x, free.centre().y - high / 2, free.w, high};
  brush.text("T60, all", free.take_top(high * 0.36f), Brush::Align::kRight, kSmall, ink::kFaint);
  brush.text(t60 ? seconds_text(*t60) : "–", free, Brush::Align::kRight, 20, ink::kText);
}

}  // namespace

void paint_plots(Brush& brush, const Scene& scene) {
  const Layout& layout = scene.editor.layout();
  const double end_s = scene.picture ? axis_end_s(*scene.picture) : 1;
  const Plot decay{layout.decay_plot, end_s, -60}, response{layout.response_plot, end_s, -80};
  const std::vector<Tick> ticks = time_ticks(end_s);
  paint_panel(brush, layout.decay, "DECAY BY OCTAVE, dB");
  paint_grid(brush, decay, ticks);
  paint_decays(brush, scene, decay);
  paint_legend(brush, scene);
  paint_panel(brush, layout.response, "RESPONSE, dB");
  paint_grid(brush, response, ticks);
  paint_response(brush, scene, response);
  paint_readout(brush, scene);
  paint_time(brush, layout, response, ticks);
  if (!scene.picture) brush.text(scene.plot_note, decay.box, Brush::Align::kCentre, 12, ink::kDim);
}

}  // namespace diffverb::ui
