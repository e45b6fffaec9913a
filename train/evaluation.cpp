#include "train/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/acoustics/analysis.h"
#include "core/acoustics/comparison.h"
#include "core/acoustics/spectrogram_distance.h"
#include "core/resample.h"

namespace diffverb {
namespace {

constexpr double kLeadSeconds = 1e-3;  // kept before the onset
constexpr double kOctaveHz = 1000;

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

std::vector<double> magnitudes(const std::vector<Reconstruction>& all, Figure figure) {
  std::vector<double> out;
  for (const Reconstruction& r : all) {
    if (r.*figure) out.push_back(std::abs(*(r.*figure)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<double> median(const std::vector<double>& sorted) {
  if (sorted.empty()) return std::nullopt;
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

nlohmann::json or_null(const std::optional<double>& value) { return value ? nlohmann::json(*value) : nlohmann::json(); }

std::string cell(const std::optional<double>& value) {
  if (!value) return "         -";
  char text[32];
  std::snprintf(text, sizeof text, "%10.2f", *value);
  return text;
}

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

nlohmann::json evaluation_json(const std::string& model, const std::vector<Reconstruction>& all) {
  nlohmann::json out{{"model", model}, {"responses", nlohmann::json::array()}};
  for (const Reconstruction& r : all) {
    nlohmann::json entry = acoustics::to_json(acoustics::compare(r.target, r.played), r.file, model);
    entry["file"] = r.file;
    entry["room"] = r.room;
    entry["channel"] = r.channel + 1;
    entry["t20_1k_s"] = or_null(r.t20_s);
    for (const NamedFigure& named : kFigures) entry[named.key] = or_null(r.*named.figure);
    out["responses"].push_back(std::move(entry));
  }
  for (const NamedFigure& named : kFigures) {
    const std::vector<double> sorted = magnitudes(all, named.figure);
    out["median"][named.key] = or_null(median(sorted));
    out["worst"][named.key] = sorted.empty() ? nlohmann::json() : nlohmann::json(sorted.back());
  }
  return out;
}

std::string evaluation_table(const std::vector<Reconstruction>& all) {
  constexpr std::size_t kNameWidth = 44;
  const auto padded = [](std::string name) {
    if (name.size() > kNameWidth) name = "..." + name.substr(name.size() - kNameWidth + 3);
    return name + std::string(kNameWidth - name.size(), ' ');
  };
  std::string out = padded("response, channel (errors: 1 kHz octave)") + "     T20 s";
  for (const NamedFigure& named : kFigures) {
    const std::string title = named.title;
    out += std::string(10 - title.size(), ' ') + title;
  }
  out += "\n";
  for (const Reconstruction& r : all) {
    out += padded(r.file + ", " + std::to_string(r.channel + 1)) + cell(r.t20_s);
    for (const NamedFigure& named : kFigures) out += cell(r.*named.figure);
    out += "\n";
  }
  for (const bool worst : {false, true}) {
    out += padded(worst ? "worst" : "median of " + std::to_string(all.size()) + " (magnitudes)") + "          ";
    for (const NamedFigure& named : kFigures) {
      const std::vector<double> sorted = magnitudes(all, named.figure);
      out += cell(worst && !sorted.empty() ? std::optional(sorted.back()) : median(sorted));
    }
    out += "\n";
  }
  return out;
}

}  // namespace diffverb
