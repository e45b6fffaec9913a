#include "plugin/ui/scene.h"

namespace diffverb::ui {

void paint_panel(Brush& brush, const Box& panel, const char* title) {
  brush.fill(panel, ink::kPanel, 6);
  brush.outline(panel, ink::kOutline.faded(0.7f), 6);
  Box inside = panel.inset(10 * brush.scale(), 6 * brush.scale());
  brush.text(title, inside.take_top(16 * brush.scale()), Brush::Align::kLeft, 10, ink::kFaint);
}

void paint(Brush& brush, const Scene& scene) {
  const Layout& layout = scene.editor.layout();
  brush.fill(layout.window, ink::kWindow);
  paint_header(brush, scene);
  paint_plots(brush, scene);
  paint_cube(brush, scene.editor);
  paint_meters(brush, scene);
  for (std::size_t i = 0; i < layout.groups.size(); ++i) {
    const Group& group = groups()[i];
    paint_panel(brush, layout.groups[i], group.title);
    for (const Control control : group.controls) {
      paint_control(brush, scene.editor, control);
      if (const auto toggle = switch_over(control)) paint_control(brush, scene.editor, *toggle);
    }
  }
  brush.text(scene.editor.help(), layout.help, Brush::Align::kLeft, 11, ink::kDim);
  paint_menu(brush, scene.editor);
}

}  // namespace diffverb::ui
