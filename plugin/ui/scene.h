#pragma once

#include <memory>
#include <string>

#include "plugin/ui/brush.h"
#include "plugin/ui/view/decay_bands.h"
#include "plugin/ui/view/editor.h"

namespace diffverb::ui {

/// All that the picture shows.
struct Scene {
  const Editor& editor;
  std::shared_ptr<const ResponsePicture> picture;  ///< nothing until the first is made
  std::string title, subtitle;
  std::string message;    ///< what is wrong with a file, in place of the subtitle; or empty
  std::string plot_note;  ///< why there are no curves; or empty
  long long cleared = 0;  ///< input samples that were not finite
};

/// The whole picture, a frame of its window.
void paint(Brush& brush, const Scene& scene);

// Its parts, each in a file of its own.
void paint_header(Brush& brush, const Scene& scene);
void paint_menu(Brush& brush, const Editor& editor);
void paint_plots(Brush& brush, const Scene& scene);
void paint_cube(Brush& brush, const Editor& editor);
void paint_meters(Brush& brush, const Scene& scene);
void paint_control(Brush& brush, const Editor& editor, Control control);

/// A panel with its title, as all of them have it.
void paint_panel(Brush& brush, const Box& panel, const char* title);
/// Around what has the keyboard.
void paint_focus(Brush& brush, const Editor& editor, Item item);

}  // namespace diffverb::ui
