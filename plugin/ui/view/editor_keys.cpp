#include <cctype>

#include "plugin/ui/view/editor.h"
#include "plugin/ui/view/knob.h"
#include "plugin/ui/view/value_text.h"

namespace diffverb::ui {
namespace {

std::optional<knob::Step> step_of(Key key) {
  switch (key) {
    case Key::kUp:
    case Key::kRight:
      return knob::Step::kUp;
    case Key::kDown:
    case Key::kLeft:
      return knob::Step::kDown;
    case Key::kPageUp:
      return knob::Step::kPageUp;
    case Key::kPageDown:
      return knob::Step::kPageDown;
    case Key::kHome:
      return knob::Step::kLowest;
    case Key::kEnd:
      return knob::Step::kHighest;
    case Key::kDelete:
    case Key::kBackspace:
      return knob::Step::kInitial;
    default:
      return std::nullopt;
  }
}

}  // namespace

void Editor::open_entry(Control control) {
  focus_ = item_of(control);
  entry_.open(value_text(control, value(control)));
  entry_refused_ = false;
}

bool Editor::commit_entry() {
  const auto control = control_of(focus_);
  const auto value = control ? parse_value(*control, entry_.text()) : std::nullopt;
  entry_refused_ = !value;
  if (!value) return false;
  // What was not typed over stays what it was: its text is rounded.
  if (!entry_.selected()) set_once(*control, *value);
  entry_.close();
  return true;
}

void Editor::move_focus(bool backwards) {
  focus_ = next_item(focus_, backwards, enabled_);
  focus_visible_ = true;
}

bool Editor::key_in_menu(Key key) {
  if (key == Key::kUp) menu_.step(-1);
  if (key == Key::kDown) menu_.step(1);
  if (key == Key::kEscape || key == Key::kTab) menu_.close();
  if ((key == Key::kEnter || key == Key::kSpace) && menu_.marked() >= 0) {
    const int line = menu_.marked();
    menu_.close();
    host_.choose_preset(line);
  }
  return true;
}

bool Editor::key_in_entry(Key key, bool shift) {
  if (key == Key::kEscape) {
    entry_.close();
  } else if (key == Key::kEnter) {
    commit_entry();
  } else if (key == Key::kTab) {
    if (commit_entry()) move_focus(shift);
  } else if (key == Key::kBackspace || key == Key::kDelete) {
    entry_.erase();
    entry_refused_ = false;
  }
  return true;
}

bool Editor::key_in_cube(Key key, bool shift) {
  const bool deep = key == Key::kPageUp || key == Key::kPageDown;
  const bool across = key == Key::kLeft || key == Key::kRight;
  const Control control = deep ? Control::kZ : across ? Control::kX : Control::kY;
  const bool turns = deep || across || key == Key::kUp || key == Key::kDown;
  if (!turns) return false;
  const bool up = key == Key::kPageUp || key == Key::kRight || key == Key::kUp;
  return key_on_control(control, up ? Key::kUp : Key::kDown, shift);
}

bool Editor::key_on_control(Control control, Key key, bool shift) {
  const auto step = step_of(key);
  if (!step) return false;
  set_once(control, *step == knob::Step::kInitial
                        ? runtime::info(control).initial
                        : runtime::from_normal(control, knob::stepped(control, normal(control), *step, shift)));
  return true;
}

bool Editor::key(Key key, bool shift) {
  if (menu_.is_open()) return key_in_menu(key);
  if (entry_.is_open()) return key_in_entry(key, shift);
  if (dragged_ != kNoItem) return false;
  if (key == Key::kTab) {
    move_focus(shift);
    return true;
  }
  if (focus_ == kNoItem) return false;
  focus_visible_ = true;
  if (key == Key::kEscape) {
    focus_ = kNoItem;
    return true;
  }
  if (focus_ != kCubeItem && (key == Key::kEnter || key == Key::kSpace)) {
    activate(focus_);
    return true;
  }
  if (focus_ == kCubeItem) return key_in_cube(key, shift);
  const auto control = control_of(focus_);
  return control && key_on_control(*control, key, shift);
}

bool Editor::type(char character) {
  if (!entry_.is_open()) {
    const auto control = control_of(focus_);
    const bool begins = std::isdigit(static_cast<unsigned char>(character)) || character == '-' || character == '.';
    if (menu_.is_open() || !control || is_switch(*control) || !begins) return false;
    open_entry(*control);
  }
  entry_.type(character);
  entry_refused_ = false;
  return true;
}

}  // namespace diffverb::ui
