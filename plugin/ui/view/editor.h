#pragma once

#include <array>
#include <string>
#include <vector>

#include "plugin/ui/view/cube.h"
#include "plugin/ui/view/items.h"
#include "plugin/ui/view/layout.h"
#include "plugin/ui/view/menu.h"
#include "plugin/ui/view/meters.h"
#include "plugin/ui/view/text_entry.h"

namespace diffverb::ui {

/// What the interface asks of the host. Values are in the controls' own units.
class EditorHost {
 public:
  virtual ~EditorHost() = default;
  virtual void begin_edit(Control control) = 0;  ///< a gesture starts: hosts record automation from here
  virtual void set_value(Control control, double value) = 0;
  virtual void end_edit(Control control) = 0;
  virtual void choose_preset(int index) = 0;
  virtual void choose_model() = 0;
  virtual void choose_response() = 0;
};

enum class Key {
  kTab,
  kUp,
  kDown,
  kLeft,
  kRight,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kEnter,
  kSpace,
  kEscape,
  kBackspace,
  kDelete
};

/// The interface without its picture: what stands where, what has the mouse and the keyboard, and what each of their
/// events does. Knows nothing of windows, so that tests can play it.
///
/// Mouse: a drag turns, with shift finely; the wheel turns; a double click resets; a click on a value or the right button
/// opens it for typing. In the cube a drag moves x and y, the wheel or a drag with control or alt moves z.
/// Keyboard: Tab moves on, arrows, page up and down, home and end turn, delete resets, enter and digits open the value.
class Editor {
 public:
  explicit Editor(EditorHost& host);

  // What the host and the engine say.
  void resize(float width, float height);
  void show_value(Control control, double value);
  void show_presets(std::vector<std::string> names, int present);
  /// Whether what plays has a latent point, and whether it moves: their controls stand still where not.
  void show_abilities(bool has_point, bool moves);

  // Each returns whether anything has changed in the picture.
  bool mouse_down(Spot spot, bool right_button, bool fine, bool deep, unsigned time_ms);
  bool mouse_move(Spot spot, bool fine, bool deep);
  bool mouse_up(Spot spot);
  bool wheel(Spot spot, float steps, bool fine);
  bool key(Key key, bool shift);
  bool type(char character);

  // What the picture shows.
  const Layout& layout() const { return layout_; }
  double value(Control control) const { return values_[static_cast<std::size_t>(control)]; }
  double normal(Control control) const { return runtime::to_normal(control, value(control)); }
  CubePoint point() const { return {normal(Control::kX), normal(Control::kY), normal(Control::kZ)}; }
  bool is_enabled(Item item) const { return enabled_[static_cast<std::size_t>(item)]; }
  Item focus() const { return focus_; }
  bool focus_is_visible() const { return focus_visible_; }  ///< only once the keyboard is used
  Item hovered() const { return hovered_; }
  Item dragged() const { return dragged_; }
  const Menu& menu() const { return menu_; }
  const TextEntry& entry() const { return entry_; }
  bool entry_is_refused() const { return entry_refused_; }
  const std::vector<std::string>& presets() const { return presets_; }
  int preset() const { return preset_; }
  std::string help() const;  ///< one line on what has the mouse or the keyboard

  std::array<Meter, 3> meters;  ///< in, out left, out right

 private:
  void set(Control control, double value);  ///< within a gesture
  void set_normal(Control control, double normal);
  void set_once(Control control, double value);  ///< a gesture of its own
  void start_drag(Item item);
  void stop_drag();
  void reset(Item item);
  void jump_in_cube(Spot spot);
  void drag_cube(Spot spot, bool fine, bool deep);
  void activate(Item item);
  void open_entry(Control control);
  bool commit_entry();  ///< false where what was typed is refused
  void move_focus(bool backwards);
  bool key_in_menu(Key key);
  bool key_in_entry(Key key, bool shift);
  bool key_in_cube(Key key, bool shift);
  bool key_on_control(Control control, Key key, bool shift);

  EditorHost& host_;
  Layout layout_{Layout::kWidth, Layout::kHeight};
  std::array<double, kControls> values_;
  std::array<bool, kItems> enabled_;
  std::vector<std::string> presets_;
  int preset_ = -1;

  Item focus_ = kNoItem, hovered_ = kNoItem, dragged_ = kNoItem;
  bool focus_visible_ = false, has_moved_ = false;
  Spot last_;
  std::array<double, 3> drag_normal_{};  // of a knob the first; of the cube x, y, z: not rounded by the host
  Item clicked_ = kNoItem;
  unsigned clicked_ms_ = 0;
  Menu menu_;
  TextEntry entry_;
  bool entry_refused_ = false;
};

}  // namespace diffverb::ui
