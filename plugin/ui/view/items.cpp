#include "plugin/ui/view/items.h"

#include <algorithm>
#include <vector>

namespace diffverb::ui {

std::span<const Group> groups() {
  using enum runtime::Control;
  static constexpr Control kInput[] = {kInputGain, kPredelay};
  static constexpr Control kSpace[] = {kDecay, kSize, kDamping, kEarlyLate, kDistance, kModulation, kFreeze};
  static constexpr Control kTone[] = {kHighpass, kLowpass};
  static constexpr Control kOutput[] = {kMix};
  static constexpr Group kGroups[] = {{"INPUT", kInput}, {"SPACE", kSpace}, {"TONE", kTone}, {"OUTPUT", kOutput}};
  return kGroups;
}

std::span<const Item> focus_order() {
  static const std::vector<Item> order = [] {
    std::vector<Item> items = {kPresetsItem, kLoadItem, kMatchItem, kCubeItem};
    for (const Control control : kPointControls) items.push_back(item_of(control));
    for (const Group& group : groups()) {
      for (const Control control : group.controls) {
        if (const auto toggle = switch_over(control)) items.push_back(item_of(*toggle));
        items.push_back(item_of(control));
      }
    }
    return items;
  }();
  return order;
}

Item next_item(Item from, bool backwards, const std::array<bool, kItems>& reachable) {
  const std::span<const Item> order = focus_order();
  const int count = static_cast<int>(order.size());
  const int step = backwards ? count - 1 : 1;
  const auto found = std::find(order.begin(), order.end(), from);
  int at = found == order.end() ? (backwards ? 0 : count - 1) : static_cast<int>(found - order.begin());
  for (int tries = 0; tries < count; ++tries) {
    at = (at + step) % count;
    const Item item = order[static_cast<std::size_t>(at)];
    if (reachable[static_cast<std::size_t>(item)]) return item;
  }
  return kNoItem;
}

}  // namespace diffverb::ui
