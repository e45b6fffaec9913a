#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/files_together.h"
#include "datasets/measure/conversion.h"
#include "runtime/weights.h"
#include "train/commands/data/commands.h"
#include "train/commands/data/outputs.h"
#include "train/report/conversion_page.h"
#include "train/tensor_values.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct ConvertArguments {
  fs::path from, to, out, report;
  std::vector<double> range_hz = {40, 16000};
  ConversionSettings settings;
  bool overwrite = false, json = false;
};

at::Tensor one_channel(const fs::path& path, const Audio& audio) {
  if (audio.channels.size() != 1)
    throw DataError(path.string() + ": has " + std::to_string(audio.channels.size()) +
                    " channels, expected 1: the response of one microphone or loudspeaker");
  auto out = channels_of(audio)[0];
  if (!(out.abs().max().item<double>() > 0)) throw DataError(path.string() + ": is silent, expected a response");
  return out;
}

void write_filter(const ConvertArguments& options, const Conversion& found, double rate_hz, const fs::path& path) {
  runtime::DelayNetworkWeights weights;
  weights.sample_rate_hz = rate_hz;
  weights.inputs = weights.outputs = 1;
  weights.D = {0};
  weights.early = to_vector<float>(found.taps, at::kFloat);
  weights.early_samples = static_cast<int>(weights.early.size());
  weights.early_ms = 1000 * static_cast<double>(weights.early_samples) / rate_hz;
  weights.provenance = nlohmann::json{{"created_by", "diffverb data convert"},
                                      {"source", options.from.filename().string()},
                                      {"made_to_sound_as", options.to.filename().string()},
                                      {"phase", options.settings.phase},
                                      {"delay_samples", found.delay_samples}}
                           .dump();
  if (const std::string problem = runtime::write_weights(path, weights); !problem.empty())
    throw DataError(options.out.string() + ": " + problem);
}

void print(const ConvertArguments& options, const Conversion& found, double rate_hz) {
  if (options.json) {
    auto points = nlohmann::json::array();
    for (const auto& p : found.points)
      points.push_back({{"hz", p.hz}, {"before_db", p.before_db}, {"after_db", p.after_db}, {"gain_db", p.gain_db}});
    const nlohmann::json out = {{"out", options.out.string()},        {"rate_hz", rate_hz},
                                {"phase", options.settings.phase},    {"delay_samples", found.delay_samples},
                                {"level_db", found.level_db},         {"before_rms_db", found.before_rms_db},
                                {"after_rms_db", found.after_rms_db}, {"worst_after_db", found.worst_after_db},
                                {"points", std::move(points)}};
    std::cout << out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return;
  }
  std::printf("  %8s  %10s  %10s  %10s\n", "Hz", "before, dB", "after, dB", "filter, dB");
  for (std::size_t k = 0; k < found.points.size(); k += 3)
    std::printf("  %8.0f  %10.1f  %10.1f  %10.1f\n", found.points[k].hz, found.points[k].before_db,
                found.points[k].after_db, found.points[k].gain_db);
  std::printf(
      "%s: %lld taps, %s phase, late by %lld samples; error %.2f dB rms before, %.2f dB after, at most %.1f dB\n",
      options.out.c_str(), static_cast<long long>(found.taps.size(0)), options.settings.phase.c_str(),
      static_cast<long long>(found.delay_samples), found.before_rms_db, found.after_rms_db, found.worst_after_db);
  std::printf("level difference %.1f dB, %s\n", found.level_db,
              options.settings.keep_level ? "part of the filter" : "not part of the filter (--keep-level)");
}

void run_convert(ConvertArguments options) {
  if (options.range_hz.size() != 2)
    throw ConfigError("--range-hz: " + std::to_string(options.range_hz.size()) + " values, expected LOW,HIGH");
  options.settings.low_hz = options.range_hz[0];
  options.settings.high_hz = options.range_hz[1];
  std::vector<fs::path> outputs = {options.out};
  if (!options.report.empty()) outputs.push_back(options.report);
  check_outputs(outputs, {}, options.overwrite);
  const at::NoGradGuard no_grad;
  const Audio from = read_audio(options.from), to = read_audio(options.to);
  const auto one = one_channel(options.from, from), other = one_channel(options.to, to);
  if (from.rate_hz != to.rate_hz)
    throw DataError(options.to.string() + ": is at " + std::to_string(std::lround(to.rate_hz)) + " Hz, expected the " +
                    std::to_string(std::lround(from.rate_hz)) + " Hz of " + options.from.string());
  const Conversion found = design_conversion(one, other, from.rate_hz, options.settings);
  FilesTogether files;
  files.write(options.out, [&](const fs::path& at) { write_filter(options, found, from.rate_hz, at); });
  if (!options.report.empty()) {
    report::ConversionCurves curves;
    for (const auto& p : found.points) {
      curves.hz.push_back(p.hz);
      curves.before_db.push_back(p.before_db);
      curves.after_db.push_back(p.after_db);
      curves.gain_db.push_back(p.gain_db);
    }
    curves.from = options.from.filename().string();
    curves.to = options.to.filename().string();
    curves.most_gain_db = options.settings.most_gain_db;
    files.write(options.report, [&](const fs::path& at) { report::write_conversion_page(curves, at); });
  }
  files.commit();
  print(options, found, from.rate_hz);
}

}  // namespace

void add_data_convert_command(Command& data, Context&) {
  auto options = std::make_shared<ConvertArguments>();
  ConversionSettings& settings = options->settings;
  Command* command =
      data.add_subcommand("convert", "A filter that makes one microphone or loudspeaker sound as another one");
  command->add_option("from", options->from, "response of what was used (mono)")->required();
  command->add_option("to", options->to, "response of what it should have been, measured alike (mono)")->required();
  command->add_option("--out", options->out, "filter to write (.safetensors), which the engine plays")->required();
  command->add_option("--report", options->report, "HTML page to write: the error before and after by frequency");
  command->add_option("--phase", settings.phase, "minimum: no delay; linear: symmetric, late by half its length")
      ->capture_default_str()
      ->check(one_of({"minimum", "linear"}));
  command->add_option("--most-gain-db", settings.most_gain_db, "of the filter: more would lift noise, not sound")
      ->capture_default_str()
      ->check(in_range(0.0, 60.0));
  command->add_option("--range-hz", options->range_hz, "LOW,HIGH: where both responses say something")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--smoothing", settings.smoothing_octaves, "of both spectra, octaves")
      ->capture_default_str()
      ->check(in_range(0.01, 2.0));
  command->add_option("--taps", settings.taps, "of the filter, an even number")->capture_default_str();
  command->add_flag("--keep-level", settings.keep_level, "the difference in level becomes part of the filter");
  command->add_flag("--overwrite", options->overwrite, "write over files that are there");
  command->add_flag("--json", options->json, "the error by frequency as JSON on stdout");
  command->footer(
      "Both responses: the same source at the same place, in an anechoic room or cut off before the first reflection.\n"
      "What the microphone used did not hear, no filter brings back: the gain is limited.\n\n"
      "Examples:\n"
      "  diffverb data convert sm57.wav u87.wav --out sm57_to_u87.safetensors --report sm57_to_u87.html\n"
      "  diffverb render sm57_to_u87.safetensors --in voice.wav --out as_u87.wav\n"
      "  diffverb data import hall/ -o hall.h5 --filter sm57_to_u87.safetensors");
  command->callback([options] { run_convert(*options); });
}

}  // namespace diffverb
