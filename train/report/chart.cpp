#include "train/report/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "core/error.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

constexpr double kLeft = 56, kRight = 14, kTop = 30, kBottom = 46;

/// A chart's plot area and the way from values to it.
class Plot {
 public:
  explicit Plot(const Chart& chart)
      : chart_(chart), x0_(kLeft), x1_(chart.width - kRight), y0_(chart.height - kBottom), y1_(kTop) {}

  double x(double value) const { return place(chart_.x, value, x0_, x1_); }
  double y(double value) const { return place(chart_.y, value, y0_, y1_); }
  double left() const { return x0_; }
  double right() const { return x1_; }
  double top() const { return y1_; }
  double bottom() const { return y0_; }

 private:
  static double place(const Axis& axis, double value, double from, double to) {
    const double at = axis.logarithmic ? std::log(value / axis.lo) / std::log(axis.hi / axis.lo)
                                       : (value - axis.lo) / (axis.hi - axis.lo);
    return from + at * (to - from);
  }
  const Chart& chart_;
  double x0_, x1_, y0_, y1_;
};

std::string coordinate(double value) { return number(std::clamp(value, -9999.0, 9999.0), 1); }

std::string attribute(const std::string& name, const std::string& value) { return " " + name + "=\"" + value + "\""; }

std::string text(double x, double y, const std::string& anchor, const std::string& css, const std::string& content) {
  return "<text" + attribute("x", coordinate(x)) + attribute("y", coordinate(y)) + attribute("class", css) +
         (anchor.empty() ? "" : attribute("text-anchor", anchor)) + ">" + escape(content) + "</text>";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& css) {
  return "<line" + attribute("x1", coordinate(x1)) + attribute("y1", coordinate(y1)) + attribute("x2", coordinate(x2)) +
         attribute("y2", coordinate(y2)) + attribute("class", css) + "/>";
}

std::vector<double> ticks_of(const Axis& axis, int count) {
  std::vector<double> out;
  if (axis.bands) {
    for (const double hz : {16., 31.5, 63., 125., 250., 500., 1000., 2000., 4000., 8000., 16000., 31500.}) {
      if (hz >= axis.lo * 0.999 && hz <= axis.hi * 1.001) out.push_back(hz);
    }
  } else if (axis.logarithmic) {
    const double decades = std::log10(axis.hi / axis.lo);
    for (int e = static_cast<int>(std::floor(std::log10(axis.lo))); e <= std::ceil(std::log10(axis.hi)); ++e) {
      for (const double m : {1., 2., 3., 4., 5., 6., 8.}) {
        const bool wanted = m == 1 || (decades < 2.2 && (m == 2 || m == 5)) || (decades < 1.2 && m != 5);
        const double value = m * std::pow(10.0, e);
        if (wanted && value >= axis.lo * 0.999 && value <= axis.hi * 1.001) out.push_back(value);
      }
    }
  } else {
    out = nice_ticks(axis.lo, axis.hi, count);
  }
  return out;
}

std::string tick_text(const Axis& axis, double value, const std::vector<double>& ticks) {
  if (axis.bands) return hertz(value);
  if (axis.logarithmic && value < 0.0015) {
    char text[32];
    std::snprintf(text, sizeof text, "%.0e", value);
    return std::string(text, 3) + std::to_string(std::atoi(text + 3));  // 1e-4
  }
  if (axis.logarithmic || ticks.size() < 2) return significant(value, 1);
  const double step = ticks[1] - ticks[0];
  return number(value, std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-6)), 0, 9));
}

std::string axes(const Chart& chart, const Plot& plot) {
  std::string out;
  const std::vector<double> across = ticks_of(chart.x, static_cast<int>((plot.right() - plot.left()) / 60));
  for (const double value : across) {
    out += line(plot.x(value), plot.top(), plot.x(value), plot.bottom(), "grid");
    out += text(plot.x(value), plot.bottom() + 17, "middle", "tick", tick_text(chart.x, value, across));
  }
  const std::vector<double> up = ticks_of(chart.y, static_cast<int>((plot.bottom() - plot.top()) / 34));
  for (const double value : up) {
    out += line(plot.left(), plot.y(value), plot.right(), plot.y(value), "grid");
    out += text(plot.left() - 6, plot.y(value) + 4.5, "end", "tick", tick_text(chart.y, value, up));
  }
  out += line(plot.left(), plot.bottom(), plot.right(), plot.bottom(), "axis");
  out += text((plot.left() + plot.right()) / 2, chart.height - 8, "middle", "label", chart.x.label);
  const double middle = (plot.top() + plot.bottom()) / 2;
  out += "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 " + coordinate(middle) +
         ") rotate(-90)\">" + escape(chart.y.label) + "</text>";
  return out;
}

bool drawable(const Axis& axis, double value) { return std::isfinite(value) && (!axis.logarithmic || value > 0); }

std::string path_of(const Chart& chart, const Plot& plot, const Series& series) {
  std::string d;
  bool pen_down = false;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    const bool good = drawable(chart.x, series.x[i]) && drawable(chart.y, series.y[i]);
    if (good) d += (pen_down ? "L" : "M") + coordinate(plot.x(series.x[i])) + " " + coordinate(plot.y(series.y[i]));
    pen_down = good;
  }
  return d;
}

std::string shade_of(const Chart& chart, const Plot& plot, const Shade& shade) {
  std::string there, back;
  for (std::size_t i = 0; i < shade.x.size(); ++i) {
    if (!drawable(chart.x, shade.x[i]) || !drawable(chart.y, shade.lo[i]) || !drawable(chart.y, shade.hi[i])) continue;
    const std::string x = coordinate(plot.x(shade.x[i]));
    there += (there.empty() ? "M" : "L") + x + " " + coordinate(plot.y(shade.hi[i]));
    back = "L" + x + " " + coordinate(plot.y(shade.lo[i])) + back;
  }
  if (there.empty()) return "";
  return "<path class=\"shade\" d=\"" + there + back + "Z\"><title>" + escape(shade.name) + "</title></path>";
}

bool inside(const Plot& plot, const Chart& chart, const Rule& rule) {
  return drawable(chart.y, rule.y) && plot.y(rule.y) <= plot.bottom() && plot.y(rule.y) >= plot.top();
}

std::string curves(const Chart& chart, const Plot& plot) {
  std::string out;
  for (const Shade& shade : chart.shades) out += shade_of(chart, plot, shade);
  for (const Rule& rule : chart.rules) {
    if (!inside(plot, chart, rule)) continue;
    out += line(plot.left(), plot.y(rule.y), plot.right(), plot.y(rule.y), "rule");
  }
  for (const Series& series : chart.series) {
    const std::string css = escape(series.style);
    out += "<path class=\"curve " + css + "\" data-name=\"" + escape(series.name) + "\" d=\"" +
           path_of(chart, plot, series) + "\"/>";
    for (std::size_t i = 0; series.markers && i < series.x.size(); ++i) {
      if (!drawable(chart.x, series.x[i]) || !drawable(chart.y, series.y[i])) continue;
      out += "<circle class=\"dot " + css + "\" r=\"3.2\"" + attribute("cx", coordinate(plot.x(series.x[i]))) +
             attribute("cy", coordinate(plot.y(series.y[i])));
      const bool named = i < series.names.size();
      out += named ? attribute("data-name", escape(series.names[i])) + "/>" : "/>";
    }
  }
  for (const Rule& rule : chart.rules) {  // above the curves, so that they can be read
    if (!inside(plot, chart, rule)) continue;
    const bool room_below = plot.y(rule.y) < plot.bottom() - 18;
    out += text(rule.name_left ? plot.left() + 5 : plot.right() - 4, plot.y(rule.y) + (room_below ? 14 : -4),
                rule.name_left ? "start" : "end", "rule-name", rule.name);
  }
  return out;
}

std::string legend(const Chart& chart, const Plot& plot) {
  std::string out;
  double x = plot.right() - 78;
  double y = plot.top() + 16;
  for (const Series& series : chart.series) {
    out += "<path class=\"curve " + escape(series.style) + "\" d=\"M" + coordinate(x) + " " + coordinate(y - 4) +
           "h26\"/>";
    out += text(x + 32, y, "", "tick", series.name);
    y += 17;
  }
  return out;
}

void check(const Chart& chart) {
  for (const Axis* axis : {&chart.x, &chart.y}) {
    if (!(std::isfinite(axis->lo) && std::isfinite(axis->hi) && axis->lo < axis->hi) ||
        (axis->logarithmic && axis->lo <= 0)) {
      throw ContractError("chart \"" + chart.title + "\": axis \"" + axis->label + "\" runs from " +
                          std::to_string(axis->lo) + " to " + std::to_string(axis->hi));
    }
  }
  for (const Series& series : chart.series) {
    if (series.x.size() != series.y.size()) {
      throw ContractError("chart \"" + chart.title + "\": series \"" + series.name + "\" has " +
                          std::to_string(series.x.size()) + " x and " + std::to_string(series.y.size()) + " y");
    }
  }
}

std::string range(const Axis& axis, double from, double to) {
  char limits[64];
  std::snprintf(limits, sizeof limits, "%.9g,%.9g", axis.lo, axis.hi);
  return std::string(limits) + "," + (axis.logarithmic ? "1" : "0") + "," + coordinate(from) + "," + coordinate(to) +
         "," + escape(axis.unit);
}

/// What stands inside the <svg> element.
std::string body(const Chart& chart, const Plot& plot) {
  const std::string box = attribute("x", coordinate(plot.left())) + attribute("y", coordinate(plot.top())) +
                          attribute("width", coordinate(plot.right() - plot.left())) +
                          attribute("height", coordinate(plot.bottom() - plot.top()));
  std::string out = text(plot.left(), 18, "", "title", chart.title);
  if (!chart.picture_png.empty()) {
    out += "<image preserveAspectRatio=\"none\"" + box + " href=\"data:image/png;base64," + chart.picture_png + "\"/>";
  }
  out += axes(chart, plot);
  out += "<svg" + box + " viewBox=\"" + coordinate(plot.left()) + " " + coordinate(plot.top()) + " " +
         coordinate(plot.right() - plot.left()) + " " + coordinate(plot.bottom() - plot.top()) + "\">" +
         curves(chart, plot) + "</svg>";  // an inner svg clips to its box
  if (chart.legend) out += legend(chart, plot);
  return out;
}

}  // namespace

std::vector<double> nice_ticks(double lo, double hi, int count) {
  const double raw = (hi - lo) / std::max(1, count);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double m = raw / power;
  const double step = power * (m <= 1.0001 ? 1 : m <= 2.0001 ? 2 : m <= 5.0001 ? 5 : 10);
  std::vector<double> out;
  for (double k = std::ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step; ++k) out.push_back(k * step);
  return out;
}

std::string render(const Chart& chart) {
  check(chart);
  const Plot plot(chart);
  const bool picture = !chart.picture_png.empty();
  std::string out = "<svg role=\"img\"" + attribute("class", picture ? "chart picture" : "chart") +
                    attribute("viewBox", "0 0 " + coordinate(chart.width) + " " + coordinate(chart.height)) +
                    attribute("aria-label", escape(chart.title + ": " + chart.y.label + " over " + chart.x.label)) +
                    attribute("data-x", range(chart.x, plot.left(), plot.right())) +
                    attribute("data-y", range(chart.y, plot.bottom(), plot.top()));
  if (picture) {
    out += attribute("data-name", escape(chart.picture_name)) +
           attribute("data-range", number(chart.picture_range_db, 1)) +
           (chart.picture_signed ? attribute("data-signed", "1") : "");
  }
  return out + ">" + body(chart, plot) + "</svg>";
}

std::string render_standalone(const std::vector<Chart>& charts, int columns, const std::string& title) {
  if (charts.empty() || columns < 1) throw ContractError("render_standalone: no charts or no columns");
  const double head = 34;
  double width = 0, height = head;
  std::string inner;
  for (std::size_t i = 0; i < charts.size(); i += static_cast<std::size_t>(columns)) {
    double x = 0, tallest = 0;
    for (std::size_t k = i; k < std::min(charts.size(), i + static_cast<std::size_t>(columns)); ++k) {
      check(charts[k]);
      const Plot plot(charts[k]);
      inner += "<g transform=\"translate(" + coordinate(x) + " " + coordinate(height) + ")\">" + body(charts[k], plot) +
               "</g>";
      x += charts[k].width;
      tallest = std::max(tallest, charts[k].height);
    }
    width = std::max(width, x);
    height += tallest;
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + coordinate(width) + "\" height=\"" +
         coordinate(height) + "\" viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) + "\"><style>" +
         chart_css() + "</style><rect width=\"100%\" height=\"100%\" class=\"paper\"/>" +
         text(kLeft, 22, "", "heading", title) + inner + "</svg>\n";
}

std::string chart_css() {
  // Blue and vermilion of the palette by Okabe and Ito, told apart by the colour-blind; the target is wide and pale,
  // the fit narrow and dashed on top, so that they are told apart without colour too and a perfect fit shows both.
  return R"(:root{--paper:#fff;--ink:#1b1f24;--soft:#59636e;--grid:#e3e7ec;--axis:#8b949e;--target:#4aa3df;--fit:#c2410c;--shade:#4aa3df33;--rule:#6b7280;
--r0:#0072b2;--r1:#d55e00;--r2:#009e73;--r3:#a8327d;--r4:#7a5c00;--r5:#5b4fc7;--r6:#2f4b5c;--r7:#c11c2e}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e8ebef;--soft:#a3adb8;--grid:#2a313a;--axis:#6b7682;--target:#3f8fd0;--fit:#ffb066;--shade:#56b4e933;--rule:#97a1ac;
--r0:#56b4e9;--r1:#ff9a4d;--r2:#3ad6a4;--r3:#f08fc8;--r4:#e6c84a;--r5:#b3a8ff;--r6:#b8c7d3;--r7:#ff7f8a}}
.paper{fill:var(--paper)}text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:13px;fill:var(--soft)}
.title{font-size:14px;font-weight:600;fill:var(--ink)}.heading{font-size:17px;font-weight:600;fill:var(--ink)}
.grid{stroke:var(--grid);stroke-width:1}.picture .grid{stroke-opacity:.25}.axis{stroke:var(--axis);stroke-width:1}
.curve{fill:none;stroke-width:1.9;stroke-linejoin:round;stroke-linecap:round}.curve.target{stroke:var(--target);stroke-width:4.5;stroke-opacity:.75}.curve.fit{stroke:var(--fit);stroke-dasharray:7 4}
.dot.target{fill:var(--target)}.dot.fit{fill:var(--paper);stroke:var(--fit);stroke-width:1.6}
.shade{fill:var(--shade)}.rule{stroke:var(--rule);stroke-width:1.2;stroke-dasharray:2 3}.rule-name{font-size:11.5px;fill:var(--rule);paint-order:stroke;stroke:var(--paper);stroke-width:3px}
.curve.r0{stroke:var(--r0)}.curve.r1{stroke:var(--r1);stroke-dasharray:8 4}.curve.r2{stroke:var(--r2);stroke-dasharray:2 4}.curve.r3{stroke:var(--r3);stroke-dasharray:10 3 2 3}
.curve.r4{stroke:var(--r4);stroke-width:2.8}.curve.r5{stroke:var(--r5);stroke-dasharray:5 5}.curve.r6{stroke:var(--r6);stroke-dasharray:12 4}.curve.r7{stroke:var(--r7);stroke-dasharray:3 2}
.dot.r0{fill:var(--r0)}.dot.r1{fill:var(--r1)}.dot.r2{fill:var(--r2)}.dot.r3{fill:var(--r3)}.dot.r4{fill:var(--r4)}.dot.r5{fill:var(--r5)}.dot.r6{fill:var(--r6)}.dot.r7{fill:var(--r7)}
)";
}

}  // namespace diffverb::report
