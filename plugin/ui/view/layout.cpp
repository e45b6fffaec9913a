#include "plugin/ui/view/layout.h"

#include <cmath>

namespace diffverb::ui {
namespace {

// Sizes at 100 %.
constexpr float kMargin = 12, kGap = 8, kPadding = 8;
constexpr float kHeader = 40, kHelp = 18, kKnobRow = 122, kPanelTitle = 20;
constexpr float kButton = 104, kButtonHigh = 28;
constexpr float kPoint = 236, kMeters = 108, kLegend = 104;
constexpr float kLevelNumbers = 24;  // room left of a plot or a meter
constexpr float kDecayShare = 0.62f;
constexpr float kName = 16, kValue = 18, kPointKnobs = 84;

float whole(float value) { return std::round(value); }

// Sharp edges: panels begin and end on whole pixels.
Box snapped(const Box& box) {
  const float x = whole(box.x), y = whole(box.y);
  return {x, y, whole(box.right()) - x, whole(box.bottom()) - y};
}

void place_cell(Layout& layout, Control control, Box box) {
  const float scale = layout.scale;
  Layout::Cell& cell = layout.cells[static_cast<std::size_t>(control)];
  cell.name = box.take_top(kName * scale);
  const Box turned = box;
  cell.value = box.take_bottom(kValue * scale);
  const float size = std::min(box.w, box.h);
  cell.dial = {box.centre().x - size / 2, box.centre().y - size / 2, size, size};
  Box whole_cell{cell.name.x, cell.name.y, cell.name.w, turned.bottom() - cell.name.y};
  if (const auto toggle = switch_over(control)) {
    layout.cells[static_cast<std::size_t>(*toggle)].name = cell.name;
    layout.items[static_cast<std::size_t>(*toggle)] = cell.name;
    whole_cell = turned;
  }
  layout.items[static_cast<std::size_t>(control)] = whole_cell;
}

// A row of cells of equal width.
void place_row(Layout& layout, std::span<const Control> controls, const Box& row) {
  const float width = row.w / static_cast<float>(controls.size());
  for (std::size_t i = 0; i < controls.size(); ++i)
    place_cell(layout, controls[i], {row.x + width * static_cast<float>(i), row.y, width, row.h});
}

void place_header(Layout& layout, Box header) {
  for (const Item item : {kMatchItem, kLoadItem, kPresetsItem}) {
    const Box column = header.take_right(kButton * layout.scale, kGap * layout.scale);
    const float high = kButtonHigh * layout.scale;
    layout.items[static_cast<std::size_t>(item)] = snapped({column.x, column.centre().y - high / 2, column.w, high});
  }
  layout.title = header.take_top(header.h * 0.55f);
  layout.subtitle = header;
}

void place_point(Layout& layout, Box panel) {
  layout.point = snapped(panel);
  Box inside = layout.point.inset(kPadding * layout.scale);
  inside.take_top(kPanelTitle * layout.scale);
  place_row(layout, kPointControls, inside.take_bottom(kPointKnobs * layout.scale, kPadding * layout.scale));
  layout.items[kCubeItem] = inside;
}

void place_meters(Layout& layout, Box panel) {
  layout.meters = snapped(panel);
  Box inside = layout.meters.inset(kPadding * layout.scale);
  inside.take_top(kPanelTitle * layout.scale);
  layout.cleared = inside.take_bottom(kValue * layout.scale);
  inside.take_left(kLevelNumbers * layout.scale);
  const float gap = 5 * layout.scale, width = (inside.w - 3 * gap) / 3;
  for (std::size_t i = 0; i < layout.meter.size(); ++i) {
    Box column = inside.take_left(width, i == 0 ? 2 * gap : gap);
    layout.meter_label[i] = column.take_bottom(kName * layout.scale);
    layout.meter[i] = snapped(column);
  }
}

void place_plots(Layout& layout, Box free) {
  const float gap = kGap * layout.scale, padding = kPadding * layout.scale;
  layout.decay = snapped(free.take_top(free.h * kDecayShare, gap));
  layout.response = snapped(free);
  layout.decay_plot = layout.decay.inset(padding);
  layout.response_plot = layout.response.inset(padding);
  for (Box* plot : {&layout.decay_plot, &layout.response_plot}) {
    plot->take_top(kPanelTitle * layout.scale);
    plot->take_left(kLevelNumbers * layout.scale);
  }
  layout.time_axis = layout.response_plot.take_bottom(kName * layout.scale);
  layout.legend = layout.decay_plot.take_right(kLegend * layout.scale, gap);
  layout.readout = layout.response_plot.take_right(kLegend * layout.scale, gap);
  layout.decay_plot = snapped(layout.decay_plot);
  layout.response_plot = snapped(layout.response_plot);
}

void place_knobs(Layout& layout, const Box& row) {
  std::size_t cells = 0;
  for (const Group& group : groups()) cells += group.controls.size();
  const float gap = kGap * layout.scale, padding = kPadding * layout.scale;
  const float count = static_cast<float>(groups().size());
  const float cell = (row.w - (count - 1) * gap - count * 2 * padding) / static_cast<float>(cells);
  float x = row.x;
  for (const Group& group : groups()) {
    const float width = cell * static_cast<float>(group.controls.size()) + 2 * padding;
    const Box panel = snapped({x, row.y, width, row.h});
    layout.groups.push_back(panel);
    Box inside = panel.inset(padding);
    inside.take_top(kPanelTitle * layout.scale);
    place_row(layout, group.controls, inside);
    x += width + gap;
  }
}

}  // namespace

Layout::Layout(float width, float height)
    : window{0, 0, width, height}, scale(std::min(width / kWidth, height / kHeight)), items{}, cells{} {
  const float gap = kGap * scale;
  Box free = window.inset(kMargin * scale, gap);
  place_header(*this, free.take_top(kHeader * scale, gap));
  help = free.take_bottom(kHelp * scale, gap / 2);
  place_knobs(*this, free.take_bottom(kKnobRow * scale, gap));
  place_meters(*this, free.take_right(kMeters * scale, gap));
  place_point(*this, free.take_right(kPoint * scale, gap));
  place_plots(*this, free);
}

Item Layout::at(Spot spot) const {
  for (int i = 0; i < kItems; ++i)
    if (items[static_cast<std::size_t>(i)].contains(spot)) return static_cast<Item>(i);
  return kNoItem;
}

}  // namespace diffverb::ui
