#include "plugin/ui/scene.h"

namespace diffverb::ui {
namespace {

constexpr const char* kAxisNames[] = {"x", "y", "z"};

void paint_edges(Brush& brush, const Cube& cube, bool hidden, float strength) {
  int number = 0;
  for (const auto& [from, to] : Cube::edges()) {
    if ((number++ < Cube::kHiddenEdges) != hidden) continue;
    brush.line(cube.project(from), cube.project(to), (hidden ? ink::kGrid : ink::kFaint).faded(strength), 1);
  }
}

// Lines on the floor, every third of the way.
void paint_floor(Brush& brush, const Cube& cube, float strength) {
  for (const double t : {1 / 3.0, 2 / 3.0}) {
    brush.line(cube.project({t, 0, 0}), cube.project({t, 0, 1}), ink::kGrid.faded(0.7f * strength), 1);
    brush.line(cube.project({0, 0, t}), cube.project({1, 0, t}), ink::kGrid.faded(0.7f * strength), 1);
  }
}

void paint_axis_names(Brush& brush, const Cube& cube, float strength) {
  const CubePoint ends[] = {{0.5, 0, 0}, {0, 0.5, 0}, {1, 0, 0.5}};
  const Spot away[] = {{-2, 9}, {-8, 0}, {8, 6}};
  for (std::size_t i = 0; i < 3; ++i) {
    const Spot at = cube.project(ends[i]);
    const float half = 8 * brush.scale();
    const Box box{at.x + away[i].x * brush.scale() - half, at.y + away[i].y * brush.scale() - half, 2 * half, 2 * half};
    brush.text(kAxisNames[i], box, Brush::Align::kCentre, 11, ink::kAxes[i].faded(strength));
  }
}

// The point, the way from the origin to it along the axes, and its foot on the floor.
void paint_point(Brush& brush, const Cube& cube, const CubePoint& point, bool lively) {
  const CubePoint corners[] = {{0, 0, 0}, {point.x, 0, 0}, {point.x, 0, point.z}, point};
  const Ink inks[] = {ink::kAxes[0], ink::kAxes[2], ink::kAxes[1]};
  for (std::size_t i = 0; i + 1 < 4; ++i)
    brush.line(cube.project(corners[i]), cube.project(corners[i + 1]), inks[i].faded(0.9f), 1.6f);
  const float scale = brush.scale(), radius = (7.5f - 2.5f * static_cast<float>(point.z)) * scale;
  brush.disc(cube.project({point.x, 0, point.z}), 2.2f * scale, ink::kAxes[1].faded(0.9f));
  const Spot at = cube.project(point);
  if (lively) brush.disc(at, radius + 4 * scale, ink::kAccent.faded(0.3f));
  brush.disc(at, radius, ink::kWindow);
  brush.disc(at, radius - 1.2f * scale, ink::kAccent);
}

}  // namespace

void paint_cube(Brush& brush, const Editor& editor) {
  const Layout& layout = editor.layout();
  const bool enabled = editor.is_enabled(kCubeItem);
  const float strength = enabled ? 1 : 0.4f;
  paint_panel(brush, layout.point, "LATENT POINT");
  const Cube cube(layout.items[kCubeItem].inset(14 * brush.scale()));
  paint_edges(brush, cube, true, strength);
  paint_floor(brush, cube, strength);
  if (enabled) {
    const bool lively = editor.hovered() == kCubeItem || editor.dragged() == kCubeItem;
    paint_point(brush, cube, editor.point(), lively);
  }
  paint_edges(brush, cube, false, strength * 0.9f);
  paint_axis_names(brush, cube, strength);
  if (!enabled) {
    const Box& box = layout.items[kCubeItem];
    const float high = 20 * brush.scale();
    brush.text("no latent point here", {box.x, box.centre().y - high / 2, box.w, high}, Brush::Align::kCentre, 11.5f,
               ink::kDim);
  }
  paint_focus(brush, editor, kCubeItem);
  for (const Control control : kPointControls) paint_control(brush, editor, control);
}

}  // namespace diffverb::ui
