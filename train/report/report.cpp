#include "train/report/report.h"

#include <cmath>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "train/report/charts.h"
#include "train/report/headline.h"
#include "train/report/html.h"
#include "train/report/parts.h"
#include "train/report/run_data.h"
#include "train/report/sections.h"
#include "train/report/summary.h"

namespace diffverb {
namespace report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSharedSoundBudget_bytes = 2'400'000;  // of a page on several
constexpr std::size_t kMostRunsInFull = 6;

Measured measure(const RunData& run) {
  return {acoustics::analyze(*run.target, chart_options()), acoustics::analyze(*run.fit, chart_options())};
}

std::string describe(const RunData& run) {
  std::string out;
  const auto add = [&](const std::string& more) { out += (out.empty() ? "" : " · ") + more; };
  if (const std::string file = fs::path(text_at(run.metrics, "target")).filename().string(); !file.empty()) {
    add(escape(file));
  }
  if (const std::optional<Audio>& audio = run.target ? run.target : run.fit) {
    const std::size_t channels = audio->channels.size();
    add(channels == 1 ? "1 channel" : std::to_string(channels) + " channels");
    add(significant(audio->rate_hz / 1000) + " kHz");
    add(number(static_cast<double>(audio->frames()) / audio->rate_hz, 2) + " s");
  }
  return out;
}

/// Everything on one run but its heading.
std::string run_body(const RunData& run, std::size_t sound_budget_bytes) {
  std::string out = missing_section(run) + headline_section(run, headline(run.name, run.metrics));
  out += listen_section(run, sound_budget_bytes);
  if (run.target && run.fit) out += comparison_sections(run, measure(run));
  return out + loss_section(run) + provenance_section(run);
}

const std::vector<std::pair<std::string, std::string>> kSections = {
    {"listen", "Listen"},   {"decay", "Decay"}, {"spectrogram", "Spectrograms"},
    {"time", "T and EDT"},  {"level", "Level"}, {"density", "Echo density"},
    {"bands", "All bands"}, {"loss", "Loss"},   {"provenance", "Settings"}};

std::string single(const RunData& run) {
  return page(run.name + " - diffverb report",
              "<h1>" + escape(run.name) + "</h1><p class=\"sub\">A delay network fitted to a measured response · " +
                  describe(run) + "</p>" + navigation(kSections) + run_body(run, kSoundBudget_bytes));
}

std::string several(const std::vector<RunData>& runs, const fs::path& out_html) {
  const bool in_full = runs.size() <= kMostRunsInFull;
  const fs::path base = fs::absolute(out_html).parent_path();
  std::vector<Headline> headlines;
  std::vector<std::string> links;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    headlines.push_back(headline(runs[k].name, runs[k].metrics));
    const fs::path own = fs::absolute(runs[k].folder) / "report.html";
    std::error_code ignored;
    links.push_back(in_full                    ? "#run-" + std::to_string(k + 1)
                    : fs::exists(own, ignored) ? relative_link(own, base)
                                               : "");
  }
  std::string body = "<h1>" + std::to_string(runs.size()) + " runs side by side</h1>";
  body += summary_section(headlines, links) + overlay_section(runs);
  for (std::size_t k = 0; in_full && k < runs.size(); ++k) {
    const std::string name = "run-" + std::to_string(k + 1);
    body += "<details class=\"run\" open id=\"" + name + "\"><summary>" + escape(runs[k].name) +
            "</summary><p class=\"sub\">" + describe(runs[k]) + "</p>" +
            with_prefix(run_body(runs[k], kSharedSoundBudget_bytes / runs.size()), name + "-") + "</details>";
  }
  if (!in_full) body += "<p>Charts and sounds of each run are in its own report, behind the links of the summary.</p>";
  return page("diffverb report", body);
}

}  // namespace
}  // namespace report

void write_report(const std::vector<std::filesystem::path>& run_folders, const std::filesystem::path& out_html) {
  if (run_folders.empty()) throw ConfigError("report: no run folder given; expected at least one");
  std::vector<report::RunData> runs;
  for (const std::filesystem::path& folder : run_folders) runs.push_back(report::read_run(folder));
  write_file_atomically(out_html, runs.size() == 1 ? report::single(runs[0]) : report::several(runs, out_html));
}

void write_picture(const std::filesystem::path& run_folder, const std::filesystem::path& out_svg) {
  const report::RunData run = report::read_run(run_folder);
  if (!run.target || !run.fit) {
    throw DataError(run_folder.string() + ": target.wav or ir.wav is missing; a picture of a fit needs both");
  }
  const report::Measured measured = report::measure(run);
  const auto &target = measured.target.channels[0], &fit = measured.fit.channels[0];
  std::vector<report::Chart> charts;
  const std::vector<report::Chart> decays = report::decay_charts(target, fit);
  for (std::size_t k = 0; k < decays.size(); ++k) {
    const double hz = target.octaves[k].hz;
    if (hz == 125 || hz == 500 || hz == 2000) charts.push_back(decays[k]);
  }
  if (!charts.empty()) charts[0].legend = true;
  for (report::Chart& chart : report::frequency_charts(target, fit)) {
    if (chart.title != "Reverberation time, octaves" && chart.title != "Early decay time, octaves") continue;
    chart.width = 600;
    charts.push_back(std::move(chart));
  }
  const std::string file = std::filesystem::path(report::text_at(run.metrics, "target")).filename().string();
  write_file_atomically(
      out_svg, report::render_standalone(charts, 3, "A delay network fitted to " + (file.empty() ? run.name : file)));
}

}  // namespace diffverb
