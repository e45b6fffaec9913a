// The sections that compare several runs.

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/acoustics/comparison.h"
#include "train/report/chart.h"
#include "train/report/headline.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

std::string figure_cell(double value, int decimals, double limit = std::numeric_limits<double>::infinity()) {
  return "<td" + std::string(std::abs(value) > limit ? " class=\"over\"" : "") + ">" + number(value, decimals) +
         "</td>";
}

std::string row(const Headline& run, const std::string& link) {
  const std::string name = escape(run.run);
  std::string out =
      "<tr><td class=\"name\">" + (link.empty() ? name : "<a href=\"" + escape(link) + "\">" + name + "</a>") + "</td>";
  for (const Judged& figure : judge(run)) {
    out += figure_cell(figure.value.median, figure.decimals, figure.just_noticeable) +
           figure_cell(figure.value.worst, figure.decimals, figure.just_noticeable);
  }
  return out + figure_cell(run.level_shape_db, 2) + figure_cell(run.level_offset_db, 2) +
         figure_cell(run.thirds_t_pct.median, 1) + figure_cell(run.thirds_t_pct.worst, 1) +
         figure_cell(run.echo_density / run.echo_density_target, 3) + figure_cell(run.late_modes_pct, 2) +
         figure_cell(run.early_ms, 0) + figure_cell(run.seconds, 1) + "</tr>";
}

std::string style_of(std::size_t run) { return "r" + std::to_string(run % 8); }

std::string key_unit(const std::string& key) { return key.ends_with("_pct") ? "%" : "dB"; }

Chart error_chart(const std::vector<RunData>& runs, const char* key, const std::string& title, const std::string& label,
                  double just_noticeable) {
  Chart chart;
  chart.title = title;
  double top = 2 * just_noticeable, lo_hz = 1000, hi_hz = 1000;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    Series line{runs[r].name, style_of(r), {}, {}, false};
    if (runs[r].metrics.contains("bands") && runs[r].metrics["bands"].is_array()) {
      for (const nlohmann::json& band : runs[r].metrics["bands"]) {
        line.x.push_back(number_at(band, {"hz"}));
        line.y.push_back(std::abs(number_at(band, {key})));
        if (line.y.back() > top) top = line.y.back();
        lo_hz = std::fmin(lo_hz, line.x.back());  // a missing frequency is NaN, which fmin and fmax pass over
        hi_hz = std::fmax(hi_hz, line.x.back());
      }
    }
    chart.series.push_back(std::move(line));
  }
  chart.x = {"Frequency, Hz", std::fmax(lo_hz, 1) / 1.19, hi_hz * 1.19, true, true, "Hz"};
  chart.y = {label, 0, 1.05 * top, false, false, key_unit(key)};
  chart.rules = {{"just noticeable", just_noticeable, false}};
  return chart;
}

Chart loss_chart(const std::vector<RunData>& runs) {
  Chart chart;
  chart.title = "Total loss, as a share of its first value";
  double lo = 1, hi = 1, last = 1;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (!runs[r].losses || runs[r].losses->total.empty()) continue;
    Series line{runs[r].name, style_of(r), runs[r].losses->step, runs[r].losses->total, false};
    const double first = line.y[0];
    for (std::size_t k = 0; k < line.y.size(); ++k) {
      line.y[k] /= first;
      last = std::max(last, line.x[k]);
      if (!(line.y[k] > 0)) continue;
      lo = std::min(lo, line.y[k]);
      hi = std::max(hi, line.y[k]);
    }
    chart.series.push_back(std::move(line));
  }
  chart.x = {"Step", 0, last, false, false, ""};
  chart.y = {"Loss / first loss", std::max(lo / 1.1, 1e-9), 1.1 * hi, true, false, ""};
  return chart;
}

}  // namespace

std::string summary_section(const std::vector<Headline>& runs, const std::vector<std::string>& links) {
  std::string out =
      "<h2 id=\"summary\">Summary</h2><p>Errors against each run's own target, over octave bands from 125 Hz to "
      "8 kHz. What is heavy and red is larger than what can just be heard.</p><div class=\"scroll\"><table>";
  out +=
      "<thead><tr class=\"group\"><th></th><th colspan=\"2\">T, %</th><th colspan=\"2\">EDT, %</th><th "
      "colspan=\"2\">C80, dB</th>"
      "<th colspan=\"2\">Level, dB</th><th>Level</th><th>Broadband</th><th colspan=\"2\">T, thirds, %</th><th>Echo</th>"
      "<th>Late</th><th>Early</th><th>Time,</th></tr><tr><th>run</th>";
  for (int k = 0; k < 4; ++k) out += "<th>median</th><th>worst</th>";
  out +=
      "<th>shape, dB</th><th>level, dB</th><th>median</th><th>worst</th><th>density ratio</th><th>modes, %</th>"
      "<th>part, ms</th><th>s</th></tr></thead><tbody>";
  for (std::size_t k = 0; k < runs.size(); ++k) out += row(runs[k], links[k]);
  return out + "</tbody></table></div>";
}

std::string overlay_section(const std::vector<RunData>& runs) {
  std::string out = "<h2 id=\"overlay\">Errors over frequency, all runs</h2><div class=\"key\">";
  for (std::size_t r = 0; r < runs.size(); ++r) {
    out += "<span><svg viewBox=\"0 0 36 12\" aria-hidden=\"true\"><path class=\"curve " + style_of(r) +
           "\" d=\"M1 6h34\"/></svg>" + escape(runs[r].name) + "</span>";
  }
  out += "</div><div class=\"grid2\">";
  for (const Chart& chart :
       {error_chart(runs, "t_error_pct", "Reverberation time, octaves", "Error of T, %", acoustics::kJndTPct),
        error_chart(runs, "edt_error_pct", "Early decay time, octaves", "Error of EDT, %", acoustics::kJndEdtPct),
        error_chart(runs, "c80_error_db", "Clarity, octaves", "Error of C80, dB", acoustics::kJndC80Db),
        error_chart(runs, "level_error_db", "Level, octaves", "Error of level, dB", kJustNoticeableLevel_db),
        loss_chart(runs)}) {
    if (!chart.series.empty()) out += "<figure class=\"zoom\">" + render(chart) + "</figure>";
  }
  return out + "</div>";
}

}  // namespace diffverb::report
