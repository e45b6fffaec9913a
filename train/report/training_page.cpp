#include <algorithm>
#include <cmath>

#include "core/acoustics/comparison.h"
#include "train/report/charts.h"
#include "train/report/example_section.h"
#include "train/report/headline.h"
#include "train/report/html.h"
#include "train/report/parts.h"
#include "train/report/png.h"
#include "train/report/training_charts.h"
#include "train/report/training_data.h"

namespace diffverb::report {
namespace {

constexpr std::size_t kExampleBudget_bytes = 1'700'000;  // of one example, as WAV; FLAC takes about half
constexpr std::size_t kShown = 6, kShownOfSeveral = 2, kMostRunsInFull = 4;
constexpr double kSameNoise_db = 1.7;  // smoothed distance between two throws of the same noise

using Figure = std::optional<double> Reconstruction::*;

struct Extremes {
  Headline::Pair pair;
  std::string worst_at;
};

Extremes extremes(const std::vector<TrainingExample>& examples, Figure figure) {
  Extremes out;
  std::vector<double> magnitudes;
  for (const TrainingExample& example : examples) {
    const auto& value = example.sound.*figure;
    if (!value || !std::isfinite(*value)) continue;
    magnitudes.push_back(std::abs(*value));
    if (!(out.pair.worst >= magnitudes.back())) {
      out.pair.worst = magnitudes.back();
      out.worst_at = example.name;
    }
  }
  if (magnitudes.empty()) return out;
  std::sort(magnitudes.begin(), magnitudes.end());
  const std::size_t half = magnitudes.size() / 2;
  out.pair.median = magnitudes.size() % 2 == 1 ? magnitudes[half] : 0.5 * (magnitudes[half - 1] + magnitudes[half]);
  return out;
}

std::vector<std::pair<Judged, std::string>> judge(const std::vector<TrainingExample>& examples) {
  std::vector<std::pair<Judged, std::string>> out;
  const auto add = [&](Judged judged, Figure figure) {
    const Extremes found = extremes(examples, figure);
    judged.value = found.pair;
    out.emplace_back(std::move(judged), found.worst_at);
  };
  add({"reverberation time", "T20", "%", 1, {}, acoustics::kJndTPct}, &Reconstruction::t20_1k_error_pct);
  add({"early decay time", "EDT", "%", 1, {}, acoustics::kJndEdtPct}, &Reconstruction::edt_1k_error_pct);
  add({"clarity", "C80", "dB", 2, {}, acoustics::kJndC80Db}, &Reconstruction::c80_1k_error_db);
  add({"spectral distance", "smoothed", "dB", 2, {}, kSameNoise_db, "another throw of the same noise"},
      &Reconstruction::lsd_smoothed_db);
  return out;
}

std::string headline_of(const TrainingRun& run) {
  if (run.examples.empty()) return "";
  std::string cards, verdict;
  for (const auto& [judged, worst_at] : judge(run.examples)) {
    cards += figure_card(judged, "example", worst_at);
    if (!std::isfinite(judged.value.median)) continue;
    verdict += (verdict.empty() ? "" : ", ") + judged.name + " " + number(judged.value.median, judged.decimals) + " " +
               judged.unit;
  }
  std::string out;
  if (!verdict.empty())
    out = "<p class=\"verdict\">How far off the reconstruction of a typical example is: " + verdict + ".</p>";
  return out + "<div class=\"cards\">" + cards + "</div><p class=\"soft\">" + escape(run.examples_from) +
         " Decay figures are of the 1 kHz octave. The bar is the median example, the grey behind it the worst, the "
         "mark "
         "the just-noticeable difference.</p>";
}

std::string key() {
  return "<div class=\"key\">" + line_key("target", "training") + line_key("fit", "validation") + "</div>";
}

std::string learning_section(const TrainingRun& run) {
  if (run.losses.step.empty()) return "";
  std::string out =
      "<section><h2 id=\"learning\">Learning curves</h2><p>Training is the mean over stretches of steps, "
      "validation the mean over the validation examples";
  if (run.config_yaml.find("ema_decay: 0\n") == std::string::npos &&
      run.config_yaml.find("ema_decay") != std::string::npos)
    out += ", with the averaged weights";
  out += ". A step changes what it has just seen, and training examples are varied: the two need not meet.</p>";
  return out + key() + figures({learning_chart(run)}, "wide") + figures(term_charts(run), "grid3") + "</section>";
}

std::string examples_section(const TrainingRun& run, std::size_t most) {
  if (run.examples.empty()) return "";
  std::string out =
      "<section><h2 id=\"examples\">Best and worst examples</h2><p>Ordered by the mean of the four errors, each in "
      "steps that can just be heard (the distance in steps of 2 dB). In the picture of the difference red is what the "
      "reconstruction has too much, blue what it lacks, both means over a few cells.</p>" +
      colour_ramp(viridis(), "−80 dB", "0 dB: the target's largest value") +
      colour_ramp(blue_red(), "−20 dB", "+20 dB") + "<div class=\"key\">" + line_key("target", "target") +
      line_key("fit", "reconstruction") + "</div>";
  for (const auto& [title, example] : notable(run.examples, most))
    out += example_section(*example, title, kExampleBudget_bytes);
  return out + "</section>";
}

std::string errors_section(const TrainingRun& run) {
  const std::vector<Chart> charts = error_charts(run.examples);
  if (charts.empty()) return "";
  return "<section><h2 id=\"errors\">Errors over reverberation time</h2><p>A point an example, small rooms on the "
         "left. "
         "Inside the shaded band no difference can be heard.</p>" +
         figures(charts, "grid2") + "</section>";
}

std::string table_section(const TrainingRun& run) {
  if (run.examples.empty()) return "";
  return "<section><h2 id=\"all\">All examples</h2><p>The worst first. Decay figures of the 1 kHz octave; what is "
         "heavy "
         "and red is larger than what can just be heard.</p>" +
         examples_table(run.examples) + "</section>";
}

std::string count_text(const nlohmann::json& data, const char* key) {
  const double value = number_at(data, {key});
  return std::isfinite(value) ? number(value, 0) : "";
}

std::string data_section(const TrainingRun& run) {
  std::string rows;
  add_row(rows, "Training examples", count_text(run.data, "training"));
  add_row(rows, "Validation examples", count_text(run.data, "validation"));
  add_row(rows, "Test examples", count_text(run.data, "test"));
  const double rate_hz = number_at(run.data, {"sample_rate_hz"}), samples = number_at(run.data, {"samples"});
  if (std::isfinite(rate_hz)) add_row(rows, "Sample rate", band_name(rate_hz));
  if (std::isfinite(samples) && rate_hz > 0) add_row(rows, "Length of an example", number(samples / rate_hz, 2) + " s");
  std::string out = "<section><h2 id=\"data\">Data and licences</h2><dl>" + rows + "</dl>";
  if (!run.data.is_object() || !run.data.contains("licences") || !run.data["licences"].is_object())
    return out + "</section>";
  out +=
      "<div class=\"scroll\"><table class=\"narrow\"><thead><tr><th>licence</th><th>training "
      "examples</th></tr></thead><tbody>";
  for (const auto& [licence, count] : run.data["licences"].items()) {
    const bool unknown = licence == "unknown" || licence.empty();
    out += "<tr><td class=\"name" + std::string(unknown ? " far" : "") + "\">" +
           escape(unknown ? "unknown: nobody has said what may be done with these" : licence) + "</td><td>" +
           escape(count.dump()) + "</td></tr>";
  }
  return out + "</tbody></table></div></section>";
}

std::string settings_section(const TrainingRun& run) {
  std::string rows;
  add_row(rows, "Run folder", run.folder.string());
  for (const auto& [name, value] : run.facts) add_row(rows, name, value);
  return "<section><h2 id=\"provenance\">Settings</h2><dl>" + rows + "</dl>" +
         config_and_log(run.config_yaml, run.log) + "</section>";
}

std::string fact(const TrainingRun& run, const std::string& name) {
  for (const auto& [key, value] : run.facts) {
    if (key == name) return value;
  }
  return "";
}

std::string describe(const TrainingRun& run) {
  std::string out;
  const auto add = [&](const std::string& more) {
    out += more.empty() ? "" : (out.empty() ? "" : " · ") + escape(more);
  };
  add(run.model);
  if (!fact(run, "Latent numbers").empty()) add(fact(run, "Latent numbers") + " latent numbers");
  if (!fact(run, "Parameters").empty()) add(fact(run, "Parameters") + " parameters");
  if (!run.losses.step.empty()) add(number(run.losses.step.back() + 1, 0) + " steps");
  if (const std::string count = count_text(run.data, "training"); !count.empty())
    add("trained on " + count + " examples");
  return out;
}

std::string body(const TrainingRun& run, std::size_t most_examples) {
  return missing_box(run.missing) + headline_of(run) + learning_section(run) + examples_section(run, most_examples) +
         errors_section(run) + table_section(run) + data_section(run) + settings_section(run);
}

std::string row(const TrainingRun& run, const std::string& link) {
  const std::string name = escape(run.name);
  std::string out = "<tr><td class=\"name\">" +
                    (link.empty() ? name : "<a href=\"" + escape(link) + "\">" + name + "</a>") + "</td><td>" +
                    escape(run.model) + "</td>";
  const auto cell = [&](const std::string& value) { out += "<td>" + escape(value.empty() ? "—" : value) + "</td>"; };
  cell(fact(run, "Latent numbers"));
  cell(fact(run, "Parameters"));
  cell(run.losses.step.empty() ? "" : number(run.losses.step.back() + 1, 0));
  const auto& totals = run.validation.total;
  const auto least = std::min_element(totals.begin(), totals.end());
  cell(least == totals.end() ? "" : significant(*least, 4));
  cell(std::to_string(run.examples.size()));
  for (const auto& [judged, worst_at] : judge(run.examples)) {
    for (const double value : {judged.value.median, judged.value.worst})
      out += "<td" + std::string(value > judged.just_noticeable ? " class=\"over\"" : "") + ">" +
             number(value, judged.decimals) + "</td>";
  }
  return out + "</tr>";
}

std::string summary(const std::vector<TrainingRun>& runs, bool in_full) {
  std::string out =
      "<h2 id=\"summary\">Summary</h2><p>Errors of reconstructed examples, decay in the 1 kHz octave. Losses compare "
      "only "
      "where the configs ask for the same. What is heavy and red is larger than what can just be heard, or than the "
      "distance of another throw of the same noise.</p><div class=\"scroll\"><table><thead><tr class=\"group\">"
      "<th></th><th></th><th>latent</th><th></th><th></th><th>best</th><th></th><th colspan=\"2\">T20, %</th>"
      "<th colspan=\"2\">EDT, %</th><th colspan=\"2\">C80, dB</th><th colspan=\"2\">smoothed distance, dB</th></tr>"
      "<tr><th>run</th><th>model</th><th>numbers</th><th>parameters</th><th>steps</th><th>validation</th>"
      "<th>examples</th>";
  for (int k = 0; k < 4; ++k) out += "<th>median</th><th>worst</th>";
  out += "</tr></thead><tbody>";
  for (std::size_t k = 0; k < runs.size(); ++k) out += row(runs[k], in_full ? "#run-" + std::to_string(k + 1) : "");
  return out + "</tbody></table></div>";
}

const std::vector<std::pair<std::string, std::string>> kSections = {
    {"learning", "Learning"}, {"examples", "Best and worst"}, {"errors", "Errors"}, {"all", "All examples"},
    {"data", "Data"},         {"provenance", "Settings"}};

}  // namespace

std::string training_page(const TrainingRun& run) {
  std::vector<std::pair<std::string, std::string>> sections;
  const std::string content = body(run, kShown);
  for (const auto& entry : kSections) {
    if (content.find("<h2 id=\"" + entry.first + "\">") != std::string::npos) sections.push_back(entry);
  }
  return page(run.name + " - diffverb report", "<h1>" + escape(run.name) + "</h1><p class=\"sub\">" + describe(run) +
                                                   "</p>" + navigation(sections) + content);
}

std::string training_pages(const std::vector<TrainingRun>& runs) {
  const bool in_full = runs.size() <= kMostRunsInFull;
  std::string out = "<h1>" + std::to_string(runs.size()) + " trainings side by side</h1>" + summary(runs, in_full);
  out += "<h2 id=\"overlay\">Learning curves, all runs</h2><div class=\"key\">";
  for (std::size_t r = 0; r < runs.size(); ++r) out += line_key("r" + std::to_string(r % 8), escape(runs[r].name));
  out += "</div>" + figures(overlaid_charts(runs), "grid3");
  for (std::size_t k = 0; in_full && k < runs.size(); ++k) {
    const std::string name = "run-" + std::to_string(k + 1);
    out += "<details class=\"run\" open id=\"" + name + "\"><summary>" + escape(runs[k].name) +
           "</summary><p class=\"sub\">" + describe(runs[k]) + "</p>" +
           with_prefix(body(runs[k], kShownOfSeveral), name + "-") + "</details>";
  }
  return page("diffverb report", out);
}

}  // namespace diffverb::report
