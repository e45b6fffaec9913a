#pragma once

#include <limits>
#include <string>
#include <vector>

namespace diffverb::report {

/// A figure that is not there.
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// One axis of a chart. Ticks are found from the range where none are given.
struct Axis {
  std::string label;  // with its unit: "Time, s"
  double lo = 0;
  double hi = 1;
  bool logarithmic = false;
  bool bands = false;  // ticks at octave-band centres, written as 125, 1k
  std::string unit;    // what the hover value carries behind it
};

/// One curve. NaN breaks the line.
struct Series {
  std::string name;
  std::string style;  // CSS class: target, fit, or r0..r7 for several runs
  std::vector<double> x;
  std::vector<double> y;
  bool markers = false;
  std::vector<std::string> names = {};  // of single points, shown under the pointer; may be empty
};

/// An area between two curves.
struct Shade {
  std::string name;
  std::vector<double> x;
  std::vector<double> lo;
  std::vector<double> hi;
};

/// A horizontal line over the whole plot, with its name beside it.
struct Rule {
  std::string name;
  double y = kNan;
  bool name_left = false;
};

/// A chart as SVG: axes with units, curves, shaded areas, rules, or a picture in the plot.
struct Chart {
  std::string title;
  Axis x;
  Axis y;
  std::vector<Shade> shades;
  std::vector<Series> series;
  std::vector<Rule> rules;
  std::string picture_png;      // base64; fills the plot
  std::string picture_name;     // what it shows: target, fit
  double picture_range_db = 0;  // from its first to its last colour; signed: from its middle to either
  bool picture_signed = false;  // the middle colour is 0 dB; else the last one is
  bool legend = false;          // inside the plot, for charts that stand alone
  double width = 480;
  double height = 300;
};

/// The `<svg>` element. Colours come from the CSS classes of chart_css(), so a page can be light or dark.
///
/// The axes' ranges stand in data- attributes; the page's script reads values back from the curves through them.
/// Throws   ContractError on an axis without extent, or on series whose x and y differ in length
std::string render(const Chart& chart);

/// The chart as a file of its own: the same element with its style sheet inside.
std::string render_standalone(const std::vector<Chart>& charts, int columns, const std::string& title);

/// Style sheet of the charts, light and dark.
std::string chart_css();

/// Range and tick values for humans: steps of 1, 2 or 5 times a power of ten, about `count` of them.
std::vector<double> nice_ticks(double lo, double hi, int count);

}  // namespace diffverb::report
