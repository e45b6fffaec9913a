#include "train/evaluation.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "core/acoustics/analysis.h"
#include "core/acoustics/comparison.h"
#include "core/acoustics/json_value.h"
#include "core/acoustics/spectrogram_distance.h"
#include "core/printed.h"
#include "core/resample.h"
#include "train/levels/levels.h"

namespace diffverb {
namespace {

constexpr double kLeadSeconds = 1e-3;  // kept before the onset
constexpr double kOctaveHz = 1000;
constexpr double kSmallRoomSeconds = 0.4;  // T20 below it, in that octave

using Figure = std::optional<double> Reconstruction::*;
struct NamedFigure {
  const char* key;
  const char* title;
  Figure figure;
};
constexpr NamedFigure kFigures[] = {{"lsd_db", "LSD dB", &Reconstruction::lsd_db},
                                    {"lsd_smoothed_db", "smoothed", &Reconstruction::lsd_smoothed_db},
                                    {"t20_1k_error_pct", "T20 %", &Reconstruction::t20_1k_error_pct},
                                    {"edt_1k_error_pct", "EDT %", &Reconstruction::edt_1k_error_pct},
                                    {"c80_1k_error_db", "C80 dB", &Reconstruction::c80_1k_error_db}};

/// At 16 kHz from just before the onset.
std::vector<double> for_distance(const Audio& audio) {
  const Audio low =
      audio.rate_hz == acoustics::kSpectrogramRateHz ? audio : resample(audio, acoustics::kSpectrogramRateHz);
  std::vector<double> samples = acoustics::to_double(low.channels[0]);
  const std::size_t onset = acoustics::find_onset(samples);
  const auto lead = static_cast<std::size_t>(kLeadSeconds * acoustics::kSpectrogramRateHz);
  samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(onset - std::min(onset, lead)));
  return samples;
}

void measure_distance(Reconstruction& r) {
  const std::vector<double> target = for_distance(r.target);
  std::vector<double> played = for_distance(r.played);
  played.resize(target.size(), 0.0);
  double wanted = 0, energy = 0;
  for (std::size_t n = 0; n < target.size(); ++n) {
    wanted += target[n] * target[n];
    energy += played[n] * played[n];
  }
  if (!(energy > 0)) return;
  for (double& value : played) value *= std::sqrt(wanted / energy);
  const auto distance = acoustics::compare_spectrograms(target, played, target.size());
  r.lsd_db = distance.lsd_db;
  r.lsd_smoothed_db = distance.lsd_smoothed_db;
}

const acoustics::BandResult* octave_at(const acoustics::FileResult& result, double hz) {
  for (const auto& band : result.channels[0].octaves) {
    if (std::abs(band.hz - hz) < 1) return &band;
  }
  return nullptr;
}

std::optional<double> percent(const std::optional<double>& target, const std::optional<double>& other) {
  if (!target || !other) return std::nullopt;
  return 100 * (*other / *target - 1);
}

/// Some of the responses.
using Group = std::vector<const Reconstruction*>;

Group pointers(const std::vector<Reconstruction>& all) {
  Group out;
  for (const Reconstruction& r : all) out.push_back(&r);
  return out;
}

Group small_rooms(const Group& all) {
  Group out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [](const Reconstruction* r) { return r->t20_s && *r->t20_s < kSmallRoomSeconds; });
  return out;
}

std::map<std::string, Group> by_room(const Group& all) {
  std::map<std::string, Group> out;
  for (const Reconstruction* r : all) out[r->room].push_back(r);
  return out;
}

std::vector<double> magnitudes(const Group& group, Figure figure) {
  std::vector<double> out;
  for (const Reconstruction* r : group) {
    if (r->*figure) out.push_back(std::abs(*(r->*figure)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<double> median(const std::vector<double>& sorted) {
  if (sorted.empty()) return std::nullopt;
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

std::optional<double> largest(const std::vector<double>& sorted) {
  return sorted.empty() ? std::nullopt : std::optional(sorted.back());
}

/// {"channels", "median": {...}, "worst": {...}, "undefined": {...}}
nlohmann::json summary_json(const Group& group) {
  nlohmann::json out{{"channels", group.size()}};
  for (const NamedFigure& named : kFigures) {
    const std::vector<double> sorted = magnitudes(group, named.figure);
    out["median"][named.key] = acoustics::json_value(median(sorted));
    out["worst"][named.key] = acoustics::json_value(largest(sorted));
    out["undefined"][named.key] = group.size() - sorted.size();  // of the target or of what was played
  }
  return out;
}

std::string cell(const std::optional<double>& value) { return right_aligned(printed_or_dash("%.2f", value), 10); }

}  // namespace

void measure_reconstruction(Reconstruction& r) {
  measure_distance(r);
  const acoustics::FileResult target = acoustics::analyze(r.target), played = acoustics::analyze(r.played);
  const acoustics::BandResult *t = octave_at(target, kOctaveHz), *p = octave_at(played, kOctaveHz);
  if (!t || !p) return;
  r.t20_s = t->t20_s;
  r.t20_1k_error_pct = percent(t->t20_s, p->t20_s);
  r.edt_1k_error_pct = percent(t->edt_s, p->edt_s);
  if (t->c80_db && p->c80_db) r.c80_1k_error_db = *p->c80_db - *t->c80_db;
}

nlohmann::json evaluation_json(const std::string& model, const std::vector<Reconstruction>& responses) {
  nlohmann::json out{{"model", model}, {"responses", nlohmann::json::array()}};
  const Group all = pointers(responses);
  for (const Reconstruction& r : responses) {
    nlohmann::json entry =
        acoustics::to_json(r.levels ? r.levels->comparison : acoustics::compare(r.target, r.played), r.file, model);
    if (r.levels) entry.update(levels_json(*r.levels));
    entry["file"] = r.file;
    entry["room"] = r.room;
    entry["channel"] = r.channel + 1;
    entry["t20_1k_s"] = acoustics::json_value(r.t20_s);
    for (const NamedFigure& named : kFigures) entry[named.key] = acoustics::json_value(r.*named.figure);
    out["responses"].push_back(std::move(entry));
  }
  out.update(summary_json(all));
  out["small_rooms"] = summary_json(small_rooms(all));
  out["rooms"] = nlohmann::json::array();
  for (const auto& [room, group] : by_room(all)) {
    out["rooms"].push_back(summary_json(group));
    out["rooms"].back()["room"] = room;
  }
  return out;
}

std::string evaluation_table(const std::vector<Reconstruction>& responses) {
  constexpr std::size_t kNameWidth = 44;
  const Group all = pointers(responses);
  const auto padded = [](std::string name) {
    if (name.size() > kNameWidth) name.replace(0, name.size() - kNameWidth + 3, "...");
    return name + std::string(kNameWidth - name.size(), ' ');
  };
  std::string out = padded("response, channel (errors: 1 kHz octave)") + "     T20 s";
  for (const NamedFigure& named : kFigures) out += right_aligned(named.title, 10);
  out += "\n";
  for (const Reconstruction& r : responses) {
    out += padded(r.file + ", " + std::to_string(r.channel + 1)) + cell(r.t20_s);
    for (const NamedFigure& named : kFigures) out += cell(r.*named.figure);
    out += "\n";
  }
  const auto add_row = [&](const std::string& name, const Group& group, const auto& value) {
    out += padded(name) + "          ";
    for (const NamedFigure& named : kFigures) out += cell(value(magnitudes(group, named.figure)));
    out += "\n";
  };
  const auto rooms = by_room(all);
  if (rooms.size() > 1 && rooms.size() < all.size()) {
    out += "\nworst of each room (magnitudes)\n";
    for (const auto& [room, group] : rooms) add_row(room + " (" + std::to_string(group.size()) + ")", group, largest);
    out += "\n";
  }
  if (const Group small = small_rooms(all); !small.empty() && small.size() < all.size()) {
    const std::string which = " of " + std::to_string(small.size()) + " with T20 below 0.4 s";
    add_row("median" + which, small, median);
    add_row("worst" + which, small, largest);
  }
  const auto undefined = [&](const std::vector<double>& sorted) {
    return std::optional(static_cast<double>(all.size() - sorted.size()));
  };
  if (std::any_of(std::begin(kFigures), std::end(kFigures),
                  [&](const NamedFigure& named) { return magnitudes(all, named.figure).size() < all.size(); }))
    add_row("undefined, in target or sound", all, undefined);
  add_row("median of " + std::to_string(all.size()) + " (magnitudes)", all, median);
  add_row("worst", all, largest);
  return out;
}

}  // namespace diffverb
