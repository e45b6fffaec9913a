#include "train/report/headline.h"

#include <algorithm>
#include <cmath>

#include "core/acoustics/comparison.h"
#include "train/report/charts.h"
#include "train/report/html.h"

namespace diffverb::report {
namespace {

const char* colour_of(double steps) { return !(steps > 1) ? "good" : steps <= 2 ? "near" : "far"; }

std::string percent(double share) { return number(std::clamp(100 * share, 0.0, 100.0), 1) + "%"; }

/// Three just-noticeable differences wide, with a mark at one: the worst band pale, the median on top.
std::string meter(const Judged& figure) {
  const std::string label = "median " + number(figure.median_steps(), 2) + ", worst " +
                            number(figure.worst_steps(), 2) + " just-noticeable differences";
  return "<div class=\"meter " + std::string(colour_of(figure.median_steps())) + "\" role=\"img\" aria-label=\"" +
         label + "\"><i style=\"width:" + percent(figure.worst_steps() / 3) +
         "\"></i><b style=\"width:" + percent(figure.median_steps() / 3) + "\"></b><u></u></div>";
}

}  // namespace

std::string figure_card(const Judged& figure, const std::string& kind, const std::string& worst_at) {
  std::string title = figure.name;
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  std::string out = "<div class=\"card\"><h3>" + title + " (" + figure.symbol + ")</h3>";
  if (!std::isfinite(figure.value.median))
    return out + "<p>undefined: no " + kind + " with enough range above the noise</p></div>";
  out += "<div class=\"big\">" + number(figure.value.median, figure.decimals) + " " + figure.unit + " <small>median " +
         kind + "</small></div>";
  out += "<div>worst " + number(figure.value.worst, figure.decimals) + " " + figure.unit +
         (worst_at.empty() ? "" : " <span class=\"soft\">at " + escape(worst_at) + "</span>") + "</div>" +
         meter(figure);
  out += "<p><span class=\"" + std::string(colour_of(figure.median_steps())) + "\">" +
         number(figure.median_steps(), 2) + "</span> <span class=\"soft\">and</span> <span class=\"" +
         colour_of(figure.worst_steps()) + "\">" + number(figure.worst_steps(), 2) +
         "</span> <span class=\"soft\">times " + figure.yardstick + " (" +
         number(figure.just_noticeable, figure.just_noticeable == std::round(figure.just_noticeable) ? 0 : 1) + " " +
         figure.unit + ")</span></p>";
  return out + "</div>";
}

namespace {

void add_row(std::string& rows, const std::string& name, const std::string& value) {
  rows += "<dt>" + name + "</dt><dd>" + value + "</dd>";
}

std::string smaller_figures(const Headline& figures) {
  std::string rows;
  const auto add = [&](const std::string& name, double value, int decimals, const std::string& unit) {
    if (std::isfinite(value)) add_row(rows, name, number(value, decimals) + unit);
  };
  const auto add_pair = [&](const std::string& name, const Headline::Pair& pair, const std::string& unit) {
    if (std::isfinite(pair.median)) {
      add_row(rows, name, "median " + number(pair.median, 1) + unit + ", worst " + number(pair.worst, 1) + unit);
    }
  };
  add_pair("Reverberation time, third octaves", figures.thirds_t_pct, " %");
  add_pair("Early decay time, third octaves", figures.thirds_edt_pct, " %");
  add("Shape of the level over frequency", figures.level_shape_db, 2, " dB");
  add("Broadband level against the target's", figures.level_offset_db, 2, " dB");
  if (std::isfinite(figures.echo_density) && std::isfinite(figures.echo_density_target)) {
    add_row(rows, "Echo density of the tail",
            number(figures.echo_density, 3) + " (target " + number(figures.echo_density_target, 3) + ")");
  }
  if (std::isfinite(figures.late_modes_pct)) {
    add_row(rows, "Isolated late modes, 200 Hz to 4 kHz",
            number(figures.late_modes_pct, 2) + " % (target " + number(figures.late_modes_target_pct, 2) + " %)");
  }
  add("Coherence between channels, error", figures.coherence_error, 3, "");
  add("Smoothed spectral distance", figures.lsd_smoothed_db, 2, " dB");
  add("Early part outside the network", figures.early_ms, 0, " ms");
  add("Parameters", figures.parameters, 0, "");
  add("Steps", figures.steps, 0, "");
  add("Time of the fit", figures.seconds, 1, " s");
  return rows.empty() ? "" : "<dl>" + rows + "</dl>";
}

}  // namespace

std::vector<Judged> judge(const Headline& figures) {
  return {{"reverberation time", "T", "%", 1, figures.t_pct, acoustics::kJndTPct},
          {"early decay time", "EDT", "%", 1, figures.edt_pct, acoustics::kJndEdtPct},
          {"clarity", "C80", "dB", 2, figures.c80_db, acoustics::kJndC80Db},
          {"level", "L", "dB", 2, figures.level_db, kJustNoticeableLevel_db}};
}

std::string verdict(const std::vector<Judged>& figures) {
  const Judged* worst = nullptr;
  std::vector<const Judged*> audible;  // in the median band
  for (const Judged& figure : figures) {
    if (!std::isfinite(figure.worst_steps())) continue;
    if (worst == nullptr || figure.worst_steps() > worst->worst_steps()) worst = &figure;
    if (figure.median_steps() > 1) audible.push_back(&figure);
  }
  if (worst == nullptr) return "";
  const std::string largest = "the largest difference, of " + worst->name + " in one band, is " +
                              number(worst->worst_steps(), 1) + " times what can just be heard.";
  if (worst->worst_steps() <= 1) {
    return "In no octave band do reverberation time, early decay, clarity or level differ from the target by as much "
           "as "
           "can just be heard: " +
           largest;
  }
  if (audible.empty()) return "In a typical octave band the fit is nearer to its target than can be heard; " + largest;
  std::string out = "The fit differs audibly from its target: ";
  for (const Judged* figure : audible) {
    out +=
        figure->name + " by " + number(figure->median_steps(), 1) + " times what can just be heard in a typical band, ";
  }
  return out + "and " + largest;
}

std::string worst_band(const nlohmann::json& metrics, const char* key) {
  if (!metrics.is_object() || !metrics.contains("bands") || !metrics["bands"].is_array()) return "";
  double largest = -1, hz = 0;
  for (const nlohmann::json& band : metrics["bands"]) {
    // The headline figures are over these octaves; the outer ones are listed, but not counted.
    const double centre = number_at(band, {"hz"}), error = std::abs(number_at(band, {key}));
    if (centre >= 124 && centre <= 8001 && error > largest) largest = error, hz = centre;
  }
  return largest < 0 ? "" : band_name(hz);
}

std::string headline_section(const RunData& run, const Headline& figures) {
  if (run.metrics.is_null()) return "";
  const std::vector<Judged> judged = judge(figures);
  std::string out = "<p class=\"verdict\">" + escape(verdict(judged)) + "</p><div class=\"cards\">";
  const char* kKeys[] = {"t_error_pct", "edt_error_pct", "c80_error_db", "level_error_db"};
  for (std::size_t k = 0; k < judged.size(); ++k)
    out += figure_card(judged[k], "band", worst_band(run.metrics, kKeys[k]));
  out +=
      "</div><p class=\"soft\">Over octave bands from 125 Hz to 8 kHz. The bar is the median band, the grey behind it "
      "the "
      "worst; the mark is the just-noticeable difference (ISO 3382-1: 5 % of EDT, 1 dB of C80 and of level; 5 % of the "
      "reverberation time by convention).</p>";
  return out + smaller_figures(figures);
}

}  // namespace diffverb::report
