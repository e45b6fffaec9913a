#include "train/report/example_section.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/acoustics/analysis.h"
#include "core/acoustics/comparison.h"
#include "train/report/charts.h"
#include "train/report/dry_sound.h"
#include "train/report/html.h"
#include "train/report/listen.h"
#include "train/report/parts.h"
#include "train/report/training_charts.h"

namespace diffverb::report {
namespace {

constexpr double kSilence = 1e-5, kUnseen = 3e-5;  // of the peak: 100 and 90 dB down
const char* const kName = "reconstruction";

double value_of(const std::optional<double>& value) { return value.value_or(std::numeric_limits<double>::quiet_NaN()); }

std::string signed_number(double value, int decimals) { return (value > 0 ? "+" : "") + number(value, decimals); }

std::string figures_of(const Reconstruction& r) {
  std::string out;
  const auto add = [&](const char* name, const std::optional<double>& value, int decimals, const char* unit,
                       double step) {
    if (!value) return;
    out +=
        std::string(out.empty() ? "" : " · ") + name + " <b" + (std::abs(*value) > step ? " class=\"far\"" : "") + ">" +
        (step < std::numeric_limits<double>::infinity() ? signed_number(*value, decimals) : number(*value, decimals)) +
        unit + "</b>";
  };
  const double none = std::numeric_limits<double>::infinity();
  add("T20 of the target", r.t20_s, 2, " s", none);
  add("error of T20", r.t20_1k_error_pct, 1, " %", acoustics::kJndTPct);
  add("of EDT", r.edt_1k_error_pct, 1, " %", acoustics::kJndEdtPct);
  add("of C80", r.c80_1k_error_db, 2, " dB", acoustics::kJndC80Db);
  add("smoothed distance", r.lsd_smoothed_db, 2, " dB", none);
  return "<p class=\"soft\">" + out + "</p>";
}

/// Both without the silence at their ends, that far below the peak, of one length.
void trim(Audio& a, Audio& b, double silence) {
  std::size_t frames = std::max(a.frames(), b.frames()), end = 1;
  for (const Audio* audio : {&a, &b}) {
    const double limit = silence * peak(*audio);
    for (const std::vector<float>& channel : audio->channels) {
      for (std::size_t n = channel.size(); n-- > end;) {
        if (std::abs(static_cast<double>(channel[n])) > limit) end = n + 1;
      }
    }
  }
  frames = std::min(frames, end);
  for (Audio* audio : {&a, &b}) {
    for (std::vector<float>& channel : audio->channels) channel.resize(frames, 0.0f);
  }
}

std::string sounds_of(const Reconstruction& r, std::size_t budget_bytes) {
  Audio target = r.target, played = r.played;
  if (!(peak(target) > 0) || !(peak(played) > 0) || target.rate_hz < kLeastRateHz) return "";
  trim(target, played, kSilence);
  const Audio dry = make_dry_sound(target.rate_hz, kDrySeed);
  std::vector<Sound> sounds = {{"through the target", "wet", convolve(dry, target)},
                               {"through the reconstruction", "wet", convolve(dry, played)},
                               {"target", "response", target},
                               {kName, "response", played}};
  const ListeningCopy copy = listening_copy(std::move(sounds), budget_bytes);
  return "<div class=\"sounds\">" + sound_card(copy, "wet", "A dry sound through both", true) +
         sound_card(copy, "response", "The responses themselves", true) + "</div>" +
         (copy.remark.empty() ? "" : "<p class=\"soft\">Copies: " + escape(copy.remark) + ".</p>");
}

/// Decay in three octaves, where both can be analysed.
std::string decays_of(const Reconstruction& r) {
  const acoustics::FileResult target = acoustics::analyze(r.target, chart_options()),
                              played = acoustics::analyze(r.played, chart_options());
  const std::vector<Chart> all = decay_charts(target.channels[0], played.channels[0], kName);
  std::vector<Chart> out;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const double hz = target.channels[0].octaves[k].hz;
    if (hz == 250 || hz == 1000 || hz == 4000) out.push_back(all[k]);
  }
  return figures(out, "grid3");
}

std::string step_cell(const std::optional<double>& value, int decimals, double step) {
  const double known = value_of(value);
  return "<td" + std::string(std::abs(known) > step ? " class=\"over\"" : "") + ">" + number(known, decimals) + "</td>";
}

std::vector<const TrainingExample*> sorted_by_badness(const std::vector<TrainingExample>& examples) {
  std::vector<const TrainingExample*> out;
  for (const TrainingExample& example : examples) out.push_back(&example);
  const auto key = [](const TrainingExample* e) {
    const double value = badness(e->sound);
    return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
  };
  std::stable_sort(out.begin(), out.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
  return out;
}

}  // namespace

std::string example_section(const TrainingExample& example, const std::string& title, std::size_t budget_bytes) {
  const Reconstruction& r = example.sound;
  std::string out = "<div class=\"example\"><h3>" + title + ": " + escape(example.name) + "</h3>" + figures_of(r);
  if (example.pictures) out += "<div class=\"pair\">" + figures(network_charts(*example.pictures), "grid3") + "</div>";
  if (r.target.frames() > 0 && r.played.frames() > 0) {
    Audio target = r.target, played = r.played;
    trim(target, played, kUnseen);
    std::vector<Chart> pictures =
        spectrogram_charts(target.channels[0], played.channels[0], target.rate_hz, {kName, 120, 260, true});
    for (Chart& chart : pictures) chart.width = 400, chart.height = 270;
    out += "<div class=\"pair\">" + figures(pictures, "grid3") + "</div>" + decays_of(r) + sounds_of(r, budget_bytes);
  }
  return out + "</div>";
}

std::string examples_table(const std::vector<TrainingExample>& examples) {
  const double none = std::numeric_limits<double>::infinity();
  std::string out =
      "<div class=\"scroll tall\"><table><thead><tr><th>example</th><th>T20, s</th><th>T20, %</th><th>EDT, %</th>"
      "<th>C80, dB</th><th>smoothed distance, dB</th><th>distance, dB</th><th>licence</th></tr></thead><tbody>";
  std::vector<const TrainingExample*> sorted = sorted_by_badness(examples);
  std::reverse(sorted.begin(), sorted.end());
  for (const TrainingExample* example : sorted) {
    const Reconstruction& r = example->sound;
    out += "<tr><td class=\"name\">" + escape(example->name) + "</td>" + step_cell(r.t20_s, 2, none) +
           step_cell(r.t20_1k_error_pct, 1, acoustics::kJndTPct) +
           step_cell(r.edt_1k_error_pct, 1, acoustics::kJndEdtPct) +
           step_cell(r.c80_1k_error_db, 2, acoustics::kJndC80Db) + step_cell(r.lsd_smoothed_db, 2, none) +
           step_cell(r.lsd_db, 2, none) + "<td>" + escape(example->licence) + "</td></tr>";
  }
  return out + "</tbody></table></div>";
}

std::vector<std::pair<std::string, const TrainingExample*>> notable(const std::vector<TrainingExample>& examples,
                                                                    std::size_t most) {
  const std::vector<const TrainingExample*> sorted = sorted_by_badness(examples);
  const std::size_t count = sorted.size(), shown = std::min(count, most);
  std::vector<std::pair<std::string, const TrainingExample*>> out;
  const std::size_t worst = shown / 2, middle = shown > 2 ? 1 : 0, best = shown - worst - middle;
  for (std::size_t k = 0; k < best; ++k) out.emplace_back(k == 0 ? "The best" : "Next best", sorted[k]);
  if (middle > 0) {
    const std::size_t at = std::clamp(count / 2, best, count - worst - 1);
    out.emplace_back("In the middle", sorted[at]);
  }
  for (std::size_t k = 0; k < worst; ++k) out.emplace_back(k == 0 ? "The worst" : "Next worst", sorted[count - 1 - k]);
  return out;
}

}  // namespace diffverb::report
