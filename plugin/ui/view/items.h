#pragma once

#include <array>
#include <optional>
#include <span>

#include "runtime/live/controls.h"

namespace diffverb::ui {

using runtime::Control;

inline constexpr int kControls = static_cast<int>(Control::kCount);

/// What can be pointed at and have the keyboard: each control by its own number, then these.
enum Item : int { kCubeItem = kControls, kPresetsItem, kLoadItem, kMatchItem, kItems, kNoItem = -1 };

constexpr Item item_of(Control control) { return static_cast<Item>(control); }
constexpr std::optional<Control> control_of(Item item) {
  if (item < 0 || item >= kControls) return std::nullopt;
  return static_cast<Control>(item);
}
inline bool is_switch(Control control) { return runtime::info(control).taper == runtime::Taper::kSwitch; }

/// The row of knobs: its groups from left to right, each with the controls of its cells. A filter's switch stands over
/// its cutoff, in the same cell.
struct Group {
  const char* title;
  std::span<const Control> controls;
};
std::span<const Group> groups();

/// The switch that stands over a knob, if one does.
constexpr std::optional<Control> switch_over(Control control) {
  if (control == Control::kLowpass) return Control::kLowpassOn;
  if (control == Control::kHighpass) return Control::kHighpassOn;
  return std::nullopt;
}

/// What stands in the panel of the latent point, under the cube.
inline constexpr std::array<Control, 4> kPointControls = {Control::kX, Control::kY, Control::kZ, Control::kWidth};

/// The way that the Tab key goes, each item once: file, latent point, then the row of knobs.
std::span<const Item> focus_order();
/// The item after (or before) this one, around the end; the first one after kNoItem. `reachable` says which may be
/// landed on, by item; where none may, kNoItem.
Item next_item(Item from, bool backwards, const std::array<bool, kItems>& reachable);

}  // namespace diffverb::ui
