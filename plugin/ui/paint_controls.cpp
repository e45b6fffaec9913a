#include <cmath>

#include "plugin/ui/scene.h"
#include "plugin/ui/view/knob.h"
#include "plugin/ui/view/value_text.h"

namespace diffverb::ui {
namespace {

constexpr float kNameSize = 11, kValueSize = 11.5f;

Ink colour_of(Control control) {
  if (control == Control::kX) return ink::kAxes[0];
  if (control == Control::kY) return ink::kAxes[1];
  if (control == Control::kZ) return ink::kAxes[2];
  return ink::kAccent;
}

void paint_value(Brush& brush, const Editor& editor, Control control, const Box& box, float strength) {
  const TextEntry& entry = editor.entry();
  if (!entry.is_open() || editor.focus() != item_of(control)) {
    brush.text(value_text(control, editor.value(control)), box, Brush::Align::kCentre, kValueSize,
               ink::kDim.faded(strength));
    return;
  }
  const Box field = box.inset(2 * brush.scale(), 1 * brush.scale());
  brush.fill(field, ink::kWindow, 3);
  brush.outline(field, editor.entry_is_refused() ? ink::kAlarm : ink::kFocus, 3);
  const float width = std::min(field.w, brush.text_width(entry.text(), kValueSize));
  if (entry.selected()) {
    brush.fill({field.centre().x - width / 2, field.y + 2, width, field.h - 4}, ink::kFocus.faded(0.35f));
  } else {
    const float x = std::round(field.centre().x + width / 2 + 1);
    brush.line({x, field.y + 3}, {x, field.bottom() - 3}, ink::kText, 1);
  }
  brush.text(entry.text(), field, Brush::Align::kCentre, kValueSize, ink::kText);
}

void paint_dial(Brush& brush, const Editor& editor, Control control, const Box& dial, float strength) {
  const float scale = brush.scale();
  const Spot centre = dial.centre();
  const float radius = dial.w / 2 - 3 * scale;
  const bool lively = editor.dragged() == item_of(control) || editor.hovered() == item_of(control);
  const double normal = editor.normal(control), from = knob::arc_from(control);
  brush.arc(centre, radius, knob::angle(0), knob::angle(1), ink::kTrack.faded(strength), 3);
  brush.arc(centre, radius, knob::angle(std::min(from, normal)), knob::angle(std::max(from, normal)),
            colour_of(control).faded(strength), 3);
  brush.disc(centre, radius - 5 * scale, (lively ? ink::kButtonHover : ink::kButton).faded(strength));
  const float angle = knob::angle(normal);
  const auto at = [&](float r) { return Spot{centre.x + r * std::cos(angle), centre.y + r * std::sin(angle)}; };
  brush.line(at((radius - 5 * scale) * 0.35f), at(radius - 6 * scale), ink::kText.faded(strength), 2);
}

// A lamp before the name of a filter.
void paint_toggle(Brush& brush, const Editor& editor, Control control, const Box& box) {
  const bool on = editor.value(control) >= 0.5, lively = editor.hovered() == item_of(control);
  const std::string name = runtime::info(control).name;
  const float lamp = 8 * brush.scale(), gap = 4 * brush.scale();
  const float width = std::min(box.w, brush.text_width(name, kNameSize) + lamp + gap);
  Box line{box.centre().x - width / 2, box.y, width, box.h};
  const Box place = line.take_left(lamp, gap);
  brush.disc(place.centre(), lamp / 2, on ? ink::kAccent : ink::kTrack);
  brush.text(name, line, Brush::Align::kLeft, kNameSize, on || lively ? ink::kText : ink::kDim);
}

// A switch with a cell of its own: a round button that lights up.
void paint_button(Brush& brush, const Editor& editor, Control control, const Layout::Cell& cell) {
  const bool on = editor.value(control) >= 0.5, lively = editor.hovered() == item_of(control);
  const float radius = cell.dial.w / 2 - 6 * brush.scale();
  const Spot c = cell.dial.centre();
  brush.disc(c, radius, on ? ink::kAccent : lively ? ink::kButtonHover : ink::kButton);
  brush.arc(c, radius, 0, 6.2832f, on ? ink::kAccent : ink::kTrack, 2);
  const float arm = radius * 0.5f;
  for (int k = 0; k < 3; ++k) {  // a snowflake
    const float angle = 3.14159f * (static_cast<float>(k) / 3 + 0.5f);
    const float dx = arm * std::cos(angle), dy = arm * std::sin(angle);
    brush.line({c.x - dx, c.y - dy}, {c.x + dx, c.y + dy}, on ? ink::kWindow : ink::kDim, 1.6f);
  }
  brush.text(value_text(control, editor.value(control)), cell.value, Brush::Align::kCentre, kValueSize, ink::kDim);
}

}  // namespace

void paint_focus(Brush& brush, const Editor& editor, Item item) {
  if (editor.focus() != item || !editor.focus_is_visible()) return;
  const float out = 2 * brush.scale();
  const Box& box = editor.layout().items[static_cast<std::size_t>(item)];
  brush.outline({box.x - out / 2, box.y - out / 2, box.w + out, box.h + out}, ink::kFocus, 5, 1.5f);
}

void paint_control(Brush& brush, const Editor& editor, Control control) {
  const Item item = item_of(control);
  const Layout::Cell& cell = editor.layout().cells[static_cast<std::size_t>(control)];
  const float strength = editor.is_enabled(item) ? 1 : 0.38f;
  if (cell.dial.empty()) {
    paint_toggle(brush, editor, control, cell.name);
  } else {
    if (!switch_over(control))
      brush.text(runtime::info(control).name, cell.name, Brush::Align::kCentre, kNameSize, ink::kText.faded(strength));
    if (is_switch(control)) {
      paint_button(brush, editor, control, cell);
    } else {
      const auto toggle = switch_over(control);
      const bool idle = toggle && editor.value(*toggle) < 0.5;
      paint_dial(brush, editor, control, cell.dial, idle ? 0.55f : strength);
      paint_value(brush, editor, control, cell.value, strength);
    }
  }
  paint_focus(brush, editor, item);
}

}  // namespace diffverb::ui
