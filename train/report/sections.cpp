#include "train/report/sections.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/acoustics/comparison.h"
#include "train/report/charts.h"
#include "train/report/dry_sound.h"
#include "train/report/html.h"
#include "train/report/listen.h"
#include "train/report/parts.h"
#include "train/report/png.h"
#include "train/report/summary.h"

namespace diffverb::report {
namespace {

std::string key(const std::string& shade) {
  return "<div class=\"key\">" + line_key("target", "target (measured)") +
         line_key("fit", "fit (as the runtime plays it)") +
         (shade.empty() ? "" : "<span><i class=\"swatch\"></i>" + shade + "</span>") + "</div>";
}

using acoustics::BandResult;

struct TableColumn {
  const char* name;
  int decimals;
  bool relative;  // the error in percent of the target
  double just_noticeable;
  double (*value)(const BandResult& band, const BandResult& target, const BandResult& fit);
};

constexpr TableColumn kColumns[] = {
    {"T, s", 3, true, acoustics::kJndTPct, reverberation_time_s},
    {"EDT, s", 3, true, acoustics::kJndEdtPct,
     [](const BandResult& b, const BandResult&, const BandResult&) { return b.edt_s.value_or(kNan); }},
    {"C80, dB", 2, false, acoustics::kJndC80Db,
     [](const BandResult& b, const BandResult&, const BandResult&) { return b.c80_db.value_or(kNan); }},
    {"D50", 3, false, acoustics::kJndD50,
     [](const BandResult& b, const BandResult&, const BandResult&) { return b.d50.value_or(kNan); }},
    {"Level, dB", 2, false, kJustNoticeableLevel_db,
     [](const BandResult& b, const BandResult&, const BandResult&) { return b.level_db; }}};

std::string table_row(const BandResult& target, const BandResult& fit) {
  std::string out = "<tr><td>" + band_name(target.hz) + "</td>";
  for (const TableColumn& column : kColumns) {
    const double wanted = column.value(target, target, fit), found = column.value(fit, target, fit);
    const double error = column.relative ? 100 * (found / wanted - 1) : found - wanted;
    out += "<td>" + number(wanted, column.decimals) + "</td><td>" + number(found, column.decimals) + "</td><td" +
           (std::abs(error) > column.just_noticeable ? " class=\"over\"" : "") + ">" +
           number(error, column.relative ? 1 : column.decimals) +
           (column.relative && std::isfinite(error) ? " %" : "") + "</td>";
  }
  return out + "<td>" + number(target.range_db, 0) + "</td></tr>";
}

std::string band_table(const std::vector<BandResult>& target, const std::vector<BandResult>& fit) {
  std::string out = "<div class=\"scroll\"><table><thead><tr class=\"group\"><th></th>";
  for (const TableColumn& column : kColumns) out += "<th colspan=\"3\">" + std::string(column.name) + "</th>";
  out += "<th>Range, dB</th></tr><tr><th>band</th>";
  for (std::size_t k = 0; k < std::size(kColumns); ++k) out += "<th>target</th><th>fit</th><th>error</th>";
  out += "<th>target</th></tr></thead><tbody>";
  for (std::size_t k = 0; k < std::min(target.size(), fit.size()); ++k) out += table_row(target[k], fit[k]);
  return out + "</tbody></table></div>";
}

}  // namespace

std::string missing_section(const RunData& run) { return missing_box(run.missing); }

std::string listen_section(const RunData& run, std::size_t budget_bytes) {
  std::vector<Sound> sounds;
  if (run.target) sounds.push_back({"target", "response", *run.target});
  if (run.fit) sounds.push_back({"fit", "response", *run.fit});
  if (sounds.empty()) return "";
  const double rate_hz = sounds[0].audio.rate_hz;
  const Audio dry = run.dry && run.dry->rate_hz == rate_hz ? *run.dry : make_dry_sound(rate_hz, kDrySeed);
  const bool played = run.wet && run.wet->rate_hz == rate_hz && run.dry && run.dry->rate_hz == rate_hz;
  sounds.push_back({"dry", "dry", dry});
  if (run.target) sounds.push_back({"through the target (convolution)", "wet", convolve(dry, *run.target)});
  if (played) sounds.push_back({"through the fit (played by the runtime)", "wet", *run.wet});
  if (!played && run.fit) sounds.push_back({"through the fit (convolution)", "wet", convolve(dry, *run.fit)});
  const ListeningCopy copy = listening_copy(std::move(sounds), budget_bytes);
  std::string out =
      "<section><h2 id=\"listen\">Listen</h2><p>Target and fit are at the same gain. Plucked strings, a snare "
      "drum and a click, made by the program, show what the reverb does.</p><div class=\"sounds\">";
  out += sound_card(copy, "wet", "A dry sound through both") +
         sound_card(copy, "response", "The responses themselves") + sound_card(copy, "dry", "The dry sound");
  out += "</div>";
  if (!copy.remark.empty())
    out += "<p class=\"soft\">To keep the page small these are copies: " + escape(copy.remark) + ".</p>";
  return out + "</section>";
}

std::string comparison_sections(const RunData& run, const Measured& measured) {
  const std::size_t channels = measured.target.channels.size();
  const auto target = [&](std::size_t c) -> const acoustics::ChannelResult& { return measured.target.channels[c]; };
  const auto fit = [&](std::size_t c) -> const acoustics::ChannelResult& { return measured.fit.channels[c]; };
  std::string out =
      section("decay", "Decay by octave band",
              "<p>Schroeder's backward integration, with the noise taken away: how much energy is still to come. "
              "The target ends where it meets its own noise. Click a chart to enlarge it.</p>" +
                  key(""),
              channels, [&](std::size_t c) { return figures(decay_charts(target(c), fit(c)), "grid3"); });
  out += section(
      "spectrogram", "Spectrograms",
      "<p>Both on one scale of colours.</p>" + colour_ramp(viridis(), "−80 dB", "0 dB: the target's largest value"),
      channels, [&](std::size_t c) {
        return "<div class=\"pair\">" +
               figures(spectrogram_charts(run.target->channels[c], run.fit->channels[c], run.target->rate_hz),
                       "grid2") +
               "</div>";
      });
  out += section(
      "time", "Reverberation time, early decay and clarity",
      "<p>T is T30 where both have 45 dB of range above their noise, else T20. Inside the shaded band no difference "
      "can be heard.</p>" +
          key("target ± 5 % (C80: ± 1 dB), just noticeable"),
      channels, [&](std::size_t c) { return figures(frequency_charts(target(c), fit(c)), "grid2"); });
  out += section(
      "level", "Level over frequency",
      "<p>Energy in each band, 0 dB in the target's strongest octave.</p>" + key("target ± 1 dB, just noticeable"),
      channels, [&](std::size_t c) { return figures(level_charts(target(c), fit(c)), "grid2"); });
  out += section("density", "Echo density",
                 "<p>0 for a few single echoes, 1 for a diffuse tail (Abel and Huang 2006).</p>" + key(""), channels,
                 [&](std::size_t c) { return figures({echo_density_chart(target(c), fit(c))}, "wide"); });
  out += section("bands", "All bands", "<p>What is heavy and red is larger than what can just be heard.</p>", channels,
                 [&](std::size_t c) {
                   return band_table(target(c).octaves, fit(c).octaves) + "<details><summary>Third octaves</summary>" +
                          band_table(target(c).thirds, fit(c).thirds) + "</details>";
                 });
  return out;
}

std::string loss_section(const RunData& run) {
  if (!run.losses || run.losses->step.empty()) return "";
  const std::vector<Chart> charts = loss_charts(*run.losses);
  std::string keys = "<div class=\"key\">";
  for (std::size_t k = 1; k < charts.size(); ++k) {
    for (const Series& line : charts[k].series) keys += line_key(line.style, escape(line.name));
  }
  return "<section><h2 id=\"loss\">Loss</h2><p>What the optimiser saw.</p>" + keys + "</div>" +
         figures(charts, "grid2") + "</section>";
}

std::string provenance_section(const RunData& run) {
  std::string rows;
  add_row(rows, "Run folder", run.folder.string());
  add_row(rows, "Target", text_at(run.metrics, "target"));
  for (const auto& [name, value] : run.weights) {
    const nlohmann::json inner = nlohmann::json::parse(value, nullptr, false);
    if (!inner.is_object()) {
      add_row(rows, "weights: " + name, value);
      continue;
    }
    for (const auto& [key, entry] : inner.items()) {
      add_row(rows, "weights: " + name + ": " + key, entry.is_string() ? entry.get<std::string>() : entry.dump());
    }
  }
  std::string out = "<section><h2 id=\"provenance\">Settings and provenance</h2><dl>" + rows + "</dl>";
  return out + config_and_log(run.config_yaml, run.log) + "</section>";
}

}  // namespace diffverb::report
