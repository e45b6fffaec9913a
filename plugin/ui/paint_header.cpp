#include "plugin/ui/scene.h"

namespace diffverb::ui {
namespace {

void paint_button(Brush& brush, const Editor& editor, Item item, const std::string& label, bool drops_down) {
  const Box& box = editor.layout().items[static_cast<std::size_t>(item)];
  const bool enabled = editor.is_enabled(item);
  brush.fill(box, enabled && editor.hovered() == item ? ink::kButtonHover : ink::kButton, 4);
  brush.outline(box, ink::kOutline, 4);
  Box words = box.inset(8 * brush.scale(), 0);
  if (drops_down) {
    const Box mark = words.take_right(10 * brush.scale());
    const Spot tip{mark.centre().x, mark.centre().y + 2 * brush.scale()};
    const float half = 4 * brush.scale();
    const Spot arrow[] = {{tip.x - half, tip.y - half}, tip, {tip.x + half, tip.y - half}};
    brush.path(arrow, enabled ? ink::kDim : ink::kFaint, 1.5f);
  }
  brush.text(label, words, Brush::Align::kCentre, 12, enabled ? ink::kText : ink::kFaint);
  paint_focus(brush, editor, item);
}

}  // namespace

void paint_header(Brush& brush, const Scene& scene) {
  const Layout& layout = scene.editor.layout();
  brush.text(scene.title, layout.title, Brush::Align::kLeft, 18, ink::kText);
  Box line = layout.subtitle;
  if (scene.message.empty()) {
    brush.text(scene.subtitle, line, Brush::Align::kLeft, 11.5f, ink::kDim);
  } else {
    const Box mark = line.take_left(12 * brush.scale(), 5 * brush.scale());
    const float half = 5 * brush.scale();
    const Spot c = mark.centre();
    const Spot triangle[] = {
        {c.x - half, c.y + half}, {c.x, c.y - half}, {c.x + half, c.y + half}, {c.x - half, c.y + half}};
    brush.area(triangle, c.y + half, ink::kWarning);
    brush.text(scene.message, line, Brush::Align::kLeft, 11.5f, ink::kWarning);
  }
  const int preset = scene.editor.preset();
  paint_button(brush, scene.editor, kPresetsItem,
               preset < 0 ? "Presets" : scene.editor.presets()[static_cast<std::size_t>(preset)], true);
  paint_button(brush, scene.editor, kLoadItem, "Load…", false);
  paint_button(brush, scene.editor, kMatchItem, "Match…", false);
}

void paint_menu(Brush& brush, const Editor& editor) {
  const Menu& menu = editor.menu();
  if (!menu.is_open()) return;
  brush.fill({menu.box().x, menu.box().y + 3 * brush.scale(), menu.box().w, menu.box().h}, {0, 0, 0, 0.35f}, 6);
  brush.fill(menu.box(), ink::kButton, 5);
  brush.outline(menu.box(), ink::kTrack, 5);
  for (int i = 0; i < static_cast<int>(menu.lines().size()); ++i) {
    const Box line = menu.line_box(i);
    if (i == menu.marked()) brush.fill(line, ink::kTrack, 3);
    Box words = line.inset(6 * brush.scale(), 0);
    const Box mark = words.take_left(12 * brush.scale());
    if (i == menu.present()) brush.disc(mark.centre(), 2.5f * brush.scale(), ink::kAccent);
    brush.text(menu.lines()[static_cast<std::size_t>(i)], words, Brush::Align::kLeft, 12, ink::kText);
  }
}

}  // namespace diffverb::ui
