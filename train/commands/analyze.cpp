#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/acoustics/analysis.h"
#include "core/acoustics/signs.h"
#include "core/acoustics/validate.h"
#include "core/log.h"
#include "core/printed.h"
#include "datasets/response_file.h"
#include "train/cli.h"

namespace diffverb {
namespace {

using acoustics::BandResult;
using acoustics::ChannelResult;

struct AnalyzeOptions {
  std::vector<std::string> files;
  bool json = false;
  bool thirds = false;
  bool signs = false;
};

void print_bands(const char* title, const std::vector<BandResult>& bands) {
  if (bands.empty()) return;
  std::printf("  %-9s %8s %8s %8s %8s %8s %7s %8s %9s %9s %8s\n", title, "T20 s", "T30 s", "EDT s", "C50 dB", "C80 dB",
              "D50", "Ts ms", "level dB", "noise dB", "range dB");
  for (const BandResult& band : bands) {
    const std::string name = band.hz > 0 ? printed_or_dash("%.5g", band.hz) + " Hz" : "all";
    std::optional<double> ts_ms;
    if (band.ts_s) ts_ms = 1e3 * *band.ts_s;
    std::printf("  %-9s %8s %8s %8s %8s %8s %7s %8s %9.1f %9s %8.1f\n", name.c_str(),
                printed_or_dash("%.3f", band.t20_s).c_str(), printed_or_dash("%.3f", band.t30_s).c_str(),
                printed_or_dash("%.3f", band.edt_s).c_str(), printed_or_dash("%.1f", band.c50_db).c_str(),
                printed_or_dash("%.1f", band.c80_db).c_str(), printed_or_dash("%.2f", band.d50).c_str(),
                printed_or_dash("%.1f", ts_ms).c_str(), band.level_db,
                printed_or_dash("%.1f", band.noise_floor_db).c_str(), band.range_db);
  }
}

void print_channel(const ChannelResult& channel, std::size_t index) {
  std::optional<double> mixing_ms;
  if (channel.mixing_time_s) mixing_ms = 1e3 * *channel.mixing_time_s;
  std::printf(
      " channel %zu: onset %.1f ms, noise floor %s dB, mixing time %s ms, echo density of the tail %s, DRR %s dB\n",
      index + 1, 1e3 * channel.onset_s, printed_or_dash("%.1f", channel.broadband.noise_floor_db).c_str(),
      printed_or_dash("%.0f", mixing_ms).c_str(), printed_or_dash("%.2f", channel.echo_density).c_str(),
      printed_or_dash("%.1f", channel.drr_db).c_str());
  if (channel.no_decay) std::printf("  %s\n", channel.no_decay->c_str());
  print_bands("octave", channel.octaves);
  print_bands("broadband", {channel.broadband});
  print_bands("1/3 oct.", channel.thirds);
}

/// Of each channel.
std::vector<std::vector<acoustics::Sign>> signs_of(const Audio& audio, const acoustics::FileResult& result) {
  std::vector<std::vector<acoustics::Sign>> out;
  for (std::size_t c = 0; c < result.channels.size(); ++c) {
    const auto iacc_late = result.iacc ? result.iacc->late_l3 : std::nullopt;
    out.push_back(acoustics::find_signs(
        acoustics::characterize(acoustics::to_double(audio.channels[c]), result.channels[c], iacc_late)));
  }
  return out;
}

void print_signs(const std::vector<acoustics::Sign>& signs) {
  for (const acoustics::Sign& sign : signs) {
    std::printf("  %-4s %-17s %-3s %8s %2s %-6.4g %-6s %s\n", sign.is_good ? "good" : "bad", sign.name.c_str(),
                !sign.found   ? "?"
                : *sign.found ? "yes"
                              : "no",
                printed_or_dash("%.3g", sign.value).c_str(), sign.above ? ">" : "<=", sign.limit, sign.unit.c_str(),
                sign.why.c_str());
  }
}

void analyze_files(const AnalyzeOptions& options) {
  acoustics::AnalysisOptions analysis;
  analysis.thirds = options.thirds || options.signs;
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& file : options.files) {
    const Audio audio = read_response(file);
    for (const std::string& warning : acoustics::check_samples(audio, file)) log().warning(warning);
    const acoustics::FileResult result = acoustics::analyze(audio, analysis);
    const auto signs = options.signs ? signs_of(audio, result) : std::vector<std::vector<acoustics::Sign>>();
    if (options.json) {
      all.push_back(acoustics::to_json(result, file));
      for (std::size_t c = 0; c < signs.size(); ++c) all.back()["channels"][c]["signs"] = acoustics::to_json(signs[c]);
      continue;
    }
    std::printf("%s: %zu channel%s, %g Hz, %.3f s\n", file.c_str(), audio.channels.size(),
                audio.channels.size() == 1 ? "" : "s", audio.rate_hz,
                static_cast<double>(audio.frames()) / audio.rate_hz);
    for (std::size_t c = 0; c < result.channels.size(); ++c) {
      print_channel(result.channels[c], c);
      if (options.signs) print_signs(signs[c]);
    }
    if (result.iacc) {
      std::printf(" IACC, mean of 500, 1000, 2000 Hz: early (to 80 ms) %s, late %s\n",
                  printed_or_dash("%.2f", result.iacc->early_e3).c_str(),
                  printed_or_dash("%.2f", result.iacc->late_l3).c_str());
    }
  }
  if (options.json) std::cout << (all.size() == 1 ? all[0] : all).dump(2) << "\n";
}

}  // namespace

void add_analyze_command(Command& app, Context&) {
  auto options = std::make_shared<AnalyzeOptions>();
  Command* command = app.add_subcommand("analyze", "Measure impulse responses by octave band (ISO 3382-1)");
  command->add_option("files", options->files, "impulse responses: WAV, FLAC, ...")->required();
  command->add_flag("--json", options->json, "JSON on stdout: an object, or an array for several files");
  command->add_flag("--thirds", options->thirds, "third octaves too");
  command->add_flag("--signs", options->signs,
                    "what a listener would say of it (metallic, periodic, muddy, ...), with the numbers; third octaves "
                    "too");
  command->footer(
      "A figure that the range above the noise does not support is - (null in JSON): T20 needs 35 dB, T30 45 dB.\n"
      "Levels are in dB of the sum of squares, noise in dB of the mean square, full scale 1.\n\n"
      "Examples:\n  diffverb analyze room.wav\n  diffverb analyze --json room.wav hall.wav > figures.json");
  command->callback([options] { analyze_files(*options); });
}

}  // namespace diffverb
