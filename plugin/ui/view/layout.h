#pragma once

#include <array>
#include <vector>

#include "plugin/ui/view/geometry.h"
#include "plugin/ui/view/items.h"

namespace diffverb::ui {

/// Where everything stands in a window of any size. Text, knobs and gaps grow with the smaller of the two directions; the
/// plots take what is left over.
///
///     +--------------------------------------------------------------+
///     | title, kind, message                 presets  load  match    |
///     +------------------------------------+---------------+--------+
///     | decay by band            | legend  | latent point  | meters |
///     +------------------------------------+     cube      |        |
///     | response                           |  x  y  z  w   |        |
///     +--------+---------------------------+---+-------+---+--------+
///     | input  | space                         | tone  | output     |
///     +--------+-------------------------------+-------+------------+
///     | help                                                         |
///     +--------------------------------------------------------------+
struct Layout {
  static constexpr float kWidth = 960, kHeight = 600;  ///< at 100 %
  static constexpr float kLeastWidth = 800, kLeastHeight = 500;

  Layout(float width, float height);

  /// What belongs to one control, or to a switch: its focus ring, and what answers to the mouse, is its item's box.
  struct Cell {
    Box name, dial, value;
  };

  Box window;
  float scale;  ///< 1 at 100 %

  Box title, subtitle, help;
  Box decay, response;             ///< panels
  Box decay_plot, response_plot;   ///< what stands in them, above each other, with the same width
  Box legend, readout;             ///< beside the plots
  Box time_axis;                   ///< under the lower plot
  Box point, meters;               ///< panels
  std::array<Box, 3> meter;        ///< in, out left, out right
  std::array<Box, 3> meter_label;  ///< under them
  Box cleared;
  std::vector<Box> groups;  ///< panels, in the order of ui::groups()

  std::array<Box, kItems> items;
  std::array<Cell, kControls> cells;  ///< those of switches are empty but for the name

  Item at(Spot spot) const;  ///< kNoItem where nothing answers
};

}  // namespace diffverb::ui
