#include "plugin/ui/view/layout.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace diffverb::ui {
namespace {

struct Size {
  float width, height;
};
constexpr Size kSizes[] = {{Layout::kLeastWidth, Layout::kLeastHeight},
                           {Layout::kWidth, Layout::kHeight},
                           {1440, 900},
                           {640, 1000},
                           {1900, 420},
                           {3840, 2160},
                           {777, 533}};

std::vector<Box> panels(const Layout& layout) {
  std::vector<Box> out = {layout.decay, layout.response, layout.point, layout.meters,
                          layout.title, layout.subtitle, layout.help};
  out.insert(out.end(), layout.groups.begin(), layout.groups.end());
  for (const Item item : {kPresetsItem, kLoadItem, kMatchItem})
    out.push_back(layout.items[static_cast<std::size_t>(item)]);
  return out;
}

void expect_apart(const std::vector<Box>& boxes) {
  for (std::size_t i = 0; i < boxes.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      EXPECT_FALSE(boxes[i].inset(0.01f).overlaps(boxes[k].inset(0.01f))) << i << ' ' << k;
}

TEST(Layout, NothingOverlapsAndAllIsInTheWindowAtAnySize) {
  for (const Size size : kSizes) {
    SCOPED_TRACE(testing::Message() << size.width << " x " << size.height);
    const Layout layout(size.width, size.height);
    expect_apart(panels(layout));
    expect_apart({layout.items.begin(), layout.items.end()});
    for (const Box& box : panels(layout)) EXPECT_TRUE(layout.window.contains(box.inset(0.5f)));
    for (const Box& box : layout.items) {
      EXPECT_TRUE(layout.window.contains(box));
      EXPECT_GE(box.w, 14 * layout.scale);
      EXPECT_GE(box.h, 14 * layout.scale);
    }
  }
}

TEST(Layout, EveryControlStandsInAPanel) {
  const Layout layout(Layout::kWidth, Layout::kHeight);
  std::vector<Box> all = layout.groups;
  all.push_back(layout.point);
  for (int i = 0; i < kControls; ++i) {
    int holders = 0;
    for (const Box& panel : all) holders += panel.contains(layout.items[static_cast<std::size_t>(i)].inset(0.01f));
    EXPECT_EQ(holders, 1) << runtime::controls()[static_cast<std::size_t>(i)].id;
  }
}

TEST(Layout, WhatBelongsToACellStandsInItAndApart) {
  for (const Size size : kSizes) {
    const Layout layout(size.width, size.height);
    for (int i = 0; i < kControls; ++i) {
      const auto control = static_cast<Control>(i);
      const Layout::Cell& cell = layout.cells[static_cast<std::size_t>(i)];
      EXPECT_FALSE(cell.name.empty());
      if (cell.dial.empty()) continue;  // a filter's switch
      expect_apart({cell.name, cell.dial, cell.value});
      EXPECT_GE(cell.dial.w, 24 * layout.scale) << runtime::info(control).id;
      EXPECT_TRUE(layout.items[static_cast<std::size_t>(i)].contains(cell.value.inset(0.01f)));
    }
  }
}

TEST(Layout, WhatIsPointedAtIsWhatIsDrawnThere) {
  const Layout layout(1200, 700);
  for (int i = 0; i < kItems; ++i) EXPECT_EQ(layout.at(layout.items[static_cast<std::size_t>(i)].centre()), i);
  EXPECT_EQ(layout.at({1, 1}), kNoItem);
}

TEST(Layout, ThePlotsTakeTheRoomThatIsLeft) {
  const Layout usual(960, 600), wide(1600, 600), high(960, 1000);
  EXPECT_FLOAT_EQ(wide.scale, 1);
  EXPECT_FLOAT_EQ(high.scale, 1);
  EXPECT_FLOAT_EQ(wide.point.w, usual.point.w);
  EXPECT_NEAR(wide.decay.w - usual.decay.w, 640, 1);
  EXPECT_NEAR(high.decay.h + high.response.h - usual.decay.h - usual.response.h, 400, 1);
}

TEST(Items, TabReachesEveryItemOnceAndComesBack) {
  for (const bool backwards : {false, true}) {
    std::array<bool, kItems> reachable;
    reachable.fill(true);
    std::array<int, kItems> seen{};
    Item at = kNoItem;
    for (int i = 0; i < kItems; ++i) ++seen[static_cast<std::size_t>(at = next_item(at, backwards, reachable))];
    for (const int times : seen) EXPECT_EQ(times, 1);
    EXPECT_EQ(next_item(at, backwards, reachable), next_item(kNoItem, backwards, reachable));
  }
}

TEST(Items, TabPassesOverWhatCannotBeReached) {
  std::array<bool, kItems> reachable{};
  EXPECT_EQ(next_item(kNoItem, false, reachable), kNoItem);
  reachable[kCubeItem] = reachable[kLoadItem] = true;
  EXPECT_EQ(next_item(kLoadItem, false, reachable), kCubeItem);
  EXPECT_EQ(next_item(kCubeItem, false, reachable), kLoadItem);
  EXPECT_EQ(next_item(kLoadItem, true, reachable), kCubeItem);
}

}  // namespace
}  // namespace diffverb::ui
