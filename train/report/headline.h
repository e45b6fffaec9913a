#pragma once

#include <string>
#include <vector>

#include "train/report/run_data.h"
#include "train/report/summary.h"

namespace diffverb::report {

/// A figure in just-noticeable differences.
struct Judged {
  std::string name;    // as it stands in a sentence: "early decay time"
  std::string symbol;  // "EDT"
  std::string unit;
  int decimals = 1;
  Headline::Pair value;
  double just_noticeable = 1;
  std::string yardstick = "what can just be heard";  // the same in words
  double median_steps() const { return value.median / just_noticeable; }
  double worst_steps() const { return value.worst / just_noticeable; }
};

/// T, EDT, C80 and level of one fit.
std::vector<Judged> judge(const Headline& figures);

/// How near the fit came, in a sentence or two; empty where no figure is known.
std::string verdict(const std::vector<Judged>& figures);

/// The frequency of the band with the largest error, as "125 Hz"; empty where metrics.json lists no bands.
std::string worst_band(const nlohmann::json& metrics, const char* key);

/// A card with a meter: median and worst of several ("band", "example"), and which is worst; empty where unknown.
std::string figure_card(const Judged& figure, const std::string& kind, const std::string& worst_at);

/// Verdict, one card a figure with a meter in just-noticeable differences, and the smaller figures.
std::string headline_section(const RunData& run, const Headline& figures);

/// Several runs: one row each, with links to the sections of this page or to the run's own page.
std::string summary_section(const std::vector<Headline>& runs, const std::vector<std::string>& links);

/// Errors over octave bands, one line a run; then the losses, one line a run.
std::string overlay_section(const std::vector<RunData>& runs);

}  // namespace diffverb::report
