#include "plugin/ui/view/editor.h"

#include <algorithm>
#include <cmath>

#include "plugin/ui/view/knob.h"
#include "plugin/ui/view/value_text.h"

namespace diffverb::ui {
namespace {

constexpr unsigned kDoubleClickMs = 350;
constexpr float kGrab = 12;      // pixels around the point of the cube at 100 %, within which a drag does not jump
constexpr double kDepth = 0.02;  // of z for each step of the wheel
constexpr std::array<Control, 3> kPoint = {Control::kX, Control::kY, Control::kZ};

}  // namespace

Editor::Editor(EditorHost& host) : host_(host) {
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = runtime::controls()[i].initial;
  enabled_.fill(true);
  show_presets({}, -1);
  show_abilities(false, false);
}

void Editor::resize(float width, float height) {
  menu_.close();
  entry_.close();
  layout_ = Layout(width, height);
}

void Editor::show_value(Control control, double value) {
  if (std::isfinite(value)) values_[static_cast<std::size_t>(control)] = value;
}

void Editor::show_presets(std::vector<std::string> names, int present) {
  presets_ = std::move(names);
  preset_ = present;
  enabled_[kPresetsItem] = !presets_.empty();
}

void Editor::show_abilities(bool has_point, bool moves) {
  for (const Control control : kPointControls) enabled_[static_cast<std::size_t>(control)] = has_point;
  enabled_[kCubeItem] = enabled_[kMatchItem] = has_point;
  enabled_[static_cast<std::size_t>(Control::kModulation)] = moves;
  if (focus_ != kNoItem && !is_enabled(focus_)) {
    focus_ = kNoItem;
    entry_.close();
  }
  if (dragged_ != kNoItem && !is_enabled(dragged_)) stop_drag();
}

void Editor::set(Control control, double value) {
  const runtime::ControlInfo& info = runtime::info(control);
  values_[static_cast<std::size_t>(control)] = std::clamp(value, info.lowest, info.highest);
  host_.set_value(control, this->value(control));
}

void Editor::set_normal(Control control, double normal) { set(control, runtime::from_normal(control, normal)); }

void Editor::set_once(Control control, double value) {
  host_.begin_edit(control);
  set(control, value);
  host_.end_edit(control);
}

void Editor::start_drag(Item item) {
  dragged_ = item;
  has_moved_ = false;
  if (const auto control = control_of(item)) {
    drag_normal_[0] = normal(*control);
    host_.begin_edit(*control);
  } else {
    for (std::size_t i = 0; i < kPoint.size(); ++i) {
      drag_normal_[i] = normal(kPoint[i]);
      host_.begin_edit(kPoint[i]);
    }
  }
}

void Editor::stop_drag() {
  if (dragged_ == kNoItem) return;
  if (const auto control = control_of(dragged_)) {
    host_.end_edit(*control);
  } else {
    for (const Control coordinate : kPoint) host_.end_edit(coordinate);
  }
  dragged_ = kNoItem;
}

void Editor::activate(Item item) {
  if (const auto control = control_of(item)) {
    if (is_switch(*control)) {
      set_once(*control, value(*control) >= 0.5 ? 0 : 1);
    } else {
      open_entry(*control);
    }
  } else if (item == kPresetsItem) {
    menu_.open(presets_, preset_, layout_.items[kPresetsItem], layout_.window, layout_.scale);
  } else if (item == kLoadItem) {
    host_.choose_model();
  } else if (item == kMatchItem) {
    host_.choose_response();
  }
}

bool Editor::mouse_down(Spot spot, bool right_button, bool fine, bool deep, unsigned time_ms) {
  if (dragged_ != kNoItem) return false;
  focus_visible_ = false;
  if (menu_.is_open()) {
    const auto line = menu_.at(spot);
    menu_.close();
    if (line) host_.choose_preset(*line);
    return true;
  }
  if (entry_.is_open() && !commit_entry()) entry_.close();
  if (layout_.meters.contains(spot)) {
    for (Meter& meter : meters) meter.clear_over();
    return true;
  }
  const Item item = layout_.at(spot);
  if (item == kNoItem || !is_enabled(item)) {
    focus_ = kNoItem;
    return true;
  }
  focus_ = item;
  const auto control = control_of(item);
  const bool again = item == clicked_ && time_ms - clicked_ms_ < kDoubleClickMs;
  clicked_ = again ? kNoItem : item;
  clicked_ms_ = time_ms;
  last_ = spot;
  if (item != kCubeItem && (!control || is_switch(*control))) {
    activate(item);
  } else if (control && right_button) {
    open_entry(*control);
  } else if (again) {
    reset(item);
  } else {
    start_drag(item);
    if (item == kCubeItem && !fine && !deep) jump_in_cube(spot);
  }
  return true;
}

void Editor::reset(Item item) {
  const auto control = control_of(item);
  for (const Control one : control ? std::span(&*control, 1) : std::span<const Control>(kPoint))
    set_once(one, runtime::info(one).initial);
}

// A drag that begins far from the point brings the point there.
void Editor::jump_in_cube(Spot spot) {
  const Cube cube(layout_.items[kCubeItem]);
  const Spot there = cube.project(point());
  if (std::hypot(there.x - spot.x, there.y - spot.y) <= kGrab * layout_.scale) return;
  const CubePoint target = cube.at(spot, normal(Control::kZ));
  drag_normal_ = {target.x, target.y, target.z};
  set_normal(Control::kX, target.x);
  set_normal(Control::kY, target.y);
}

void Editor::drag_cube(Spot spot, bool fine, bool deep) {
  const float dx = spot.x - last_.x, dy = spot.y - last_.y;
  const double slow = fine ? knob::kFine : 1;
  if (deep) {
    drag_normal_[2] -= static_cast<double>(dy / (knob::kWholeWayPixels * layout_.scale)) * slow;
    set_normal(Control::kZ, drag_normal_[2]);
    return;
  }
  const auto [x, y] = Cube(layout_.items[kCubeItem]).moved(dx, dy);
  drag_normal_[0] += x * slow;
  drag_normal_[1] += y * slow;
  set_normal(Control::kX, drag_normal_[0]);
  set_normal(Control::kY, drag_normal_[1]);
}

bool Editor::mouse_move(Spot spot, bool fine, bool deep) {
  if (dragged_ == kNoItem) {
    const Item before = hovered_;
    const int marked = menu_.marked();
    menu_.point_at(spot);
    hovered_ = menu_.is_open() ? kNoItem : layout_.at(spot);
    return hovered_ != before || menu_.marked() != marked;
  }
  has_moved_ = has_moved_ || std::hypot(spot.x - last_.x, spot.y - last_.y) > 0;
  if (const auto control = control_of(dragged_)) {
    drag_normal_[0] = knob::dragged(drag_normal_[0], (last_.y - spot.y) / layout_.scale, fine);
    set_normal(*control, drag_normal_[0]);
  } else {
    drag_cube(spot, fine, deep);
  }
  last_ = spot;
  return true;
}

bool Editor::mouse_up(Spot spot) {
  if (dragged_ == kNoItem) return false;
  const auto control = control_of(dragged_);
  stop_drag();
  if (control && !has_moved_ && layout_.cells[static_cast<std::size_t>(*control)].value.contains(spot))
    open_entry(*control);
  return true;
}

bool Editor::wheel(Spot spot, float steps, bool fine) {
  const Item item = layout_.at(spot);
  if (steps == 0 || menu_.is_open() || item == kNoItem || !is_enabled(item)) return false;
  if (const auto control = control_of(item)) {
    set_once(*control, runtime::from_normal(*control, knob::scrolled(*control, normal(*control), steps, fine)));
  } else if (item == kCubeItem) {
    const double depth = normal(Control::kZ) + static_cast<double>(steps) * kDepth * (fine ? knob::kFine : 1);
    set_once(Control::kZ, runtime::from_normal(Control::kZ, depth));
  } else {
    return false;
  }
  return true;
}

std::string Editor::help() const {
  const Item item = hovered_ != kNoItem ? hovered_ : focus_;
  if (const auto control = control_of(item))
    return std::string(runtime::info(*control).name) + ": " + runtime::info(*control).help;
  if (item == kCubeItem)
    return is_enabled(item) ? "Latent point: drag for x and y, wheel or ctrl-drag for z, shift for fine steps"
                            : "Latent point: what plays now has none; load a response bank or an autoencoder";
  if (item == kPresetsItem) return "Presets: rooms that come with the plug-in";
  if (item == kLoadItem) return "Load: an exported model (.safetensors) or a response (.wav)";
  if (item == kMatchItem) return "Match: moves x, y and z to the latent point of a measured response (.wav)";
  return {};
}

}  // namespace diffverb::ui
