#include "plugin/ui/view/menu.h"

namespace diffverb::ui {

namespace {
constexpr float kLine = 24, kColumn = 220, kPad = 4;  // at 100 %
}  // namespace

void Menu::open(std::vector<std::string> lines, int present, const Box& button, const Box& window, float scale) {
  lines_ = std::move(lines);
  present_ = marked_ = present;
  line_height_ = kLine * scale;
  column_width_ = kColumn * scale;
  padding_ = kPad * scale;
  const int count = static_cast<int>(lines_.size());
  const float room = window.bottom() - button.bottom() - 4 * padding_;
  rows_ = std::clamp(static_cast<int>(room / line_height_), 1, std::max(1, count));
  const int columns = (count + rows_ - 1) / rows_;
  box_.w = static_cast<float>(columns) * column_width_ + 2 * padding_;
  box_.h = static_cast<float>(rows_) * line_height_ + 2 * padding_;
  box_.x = std::clamp(button.right() - box_.w, window.x, std::max(window.x, window.right() - box_.w));
  box_.y = button.bottom() + padding_;
}

Box Menu::line_box(int line) const {
  return {box_.x + padding_ + static_cast<float>(line / rows_) * column_width_,
          box_.y + padding_ + static_cast<float>(line % rows_) * line_height_, column_width_, line_height_};
}

std::optional<int> Menu::at(Spot spot) const {
  for (int line = 0; line < static_cast<int>(lines_.size()); ++line)
    if (line_box(line).contains(spot)) return line;
  return std::nullopt;
}

void Menu::point_at(Spot spot) {
  if (const auto line = at(spot)) marked_ = *line;
}

void Menu::step(int lines) {
  const int count = static_cast<int>(lines_.size());
  if (count == 0) return;
  marked_ = marked_ < 0 ? (lines > 0 ? 0 : count - 1) : (marked_ + lines % count + count) % count;
}

}  // namespace diffverb::ui
