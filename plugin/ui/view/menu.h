#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugin/ui/view/geometry.h"

namespace diffverb::ui {

/// A list that drops down from a button, in as many columns as the window's height asks for.
class Menu {
 public:
  /// Opens under `button`, within `window`, with one line marked as the present one (-1: none).
  void open(std::vector<std::string> lines, int present, const Box& button, const Box& window, float scale);
  void close() { lines_.clear(); }
  bool is_open() const { return !lines_.empty(); }

  const std::vector<std::string>& lines() const { return lines_; }
  int present() const { return present_; }
  int marked() const { return marked_; }  ///< under the pointer or the keys; -1: none
  Box box() const { return box_; }
  Box line_box(int line) const;

  void point_at(Spot spot);
  void step(int lines);  ///< around the end
  /// The line at a spot.
  std::optional<int> at(Spot spot) const;

 private:
  std::vector<std::string> lines_;
  Box box_;
  float line_height_ = 0, padding_ = 0;
  int rows_ = 1, present_ = -1, marked_ = -1;
  float column_width_ = 0;
};

}  // namespace diffverb::ui
