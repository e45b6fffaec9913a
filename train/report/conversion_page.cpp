#include "train/report/conversion_page.h"

#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "train/report/chart.h"
#include "train/report/html.h"
#include "train/report/parts.h"

namespace diffverb::report {
namespace {

/// Around 0 dB and all values, 3 dB at least.
Axis decibels(const std::string& label, const std::vector<const std::vector<double>*>& values, double most) {
  for (const auto* each : values) {
    for (const double value : *each) most = std::max(most, std::abs(value));
  }
  return {label, -1.1 * std::max(3.0, most), 1.1 * std::max(3.0, most), false, false, "dB"};
}

}  // namespace

void write_conversion_page(const ConversionCurves& curves, const std::filesystem::path& out_html) {
  const Axis hz{"Frequency, Hz", curves.hz.front() / 1.1, curves.hz.back() * 1.1, true, true, "Hz"};
  Chart error;
  error.title = "Level against " + curves.to;
  error.x = hz;
  error.y = decibels("Error, dB", {&curves.before_db, &curves.after_db}, 0);
  error.series = {{curves.from + " as it is", "target", curves.hz, curves.before_db},
                  {"through the filter", "fit", curves.hz, curves.after_db}};
  error.rules = {{"no difference", 0}};
  Chart gain;
  gain.title = "The filter";
  gain.x = hz;
  gain.y = decibels("Gain, dB", {&curves.gain_db}, curves.most_gain_db);
  gain.series = {{"filter", "fit", curves.hz, curves.gain_db}};
  gain.rules = {{"most gain", curves.most_gain_db}};
  const std::string body =
      "<h1>" + escape(curves.from) + " as " + escape(curves.to) +
      "</h1><p class=\"sub\">A regularised inverse; both spectra are smoothed, their mean levels made "
      "equal.</p><section><h2 id=\"error\">Error by frequency</h2><div class=\"key\">" +
      line_key("target", escape(curves.from) + " as it is") + line_key("fit", "through the filter") + "</div>" +
      figures({error, gain}, "grid2") + "</section>";
  write_file_atomically(out_html, page(curves.from + " as " + curves.to + " - diffverb", body));
}

}  // namespace diffverb::report
