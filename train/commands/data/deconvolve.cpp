#include <cstdio>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/printed.h"
#include "core/progress.h"
#include "datasets/measure/quality.h"
#include "train/commands/data/commands.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path recording, sweep, out;
  RecordingOptions reading;
  bool harmonics = false, overwrite = false, json = false;
};

/// The files of the n-th harmonic, n = 2 and 3.
fs::path harmonic_path(const fs::path& out, std::size_t order) {
  return fs::path(out).replace_extension(".h" + std::to_string(order) + ".wav");
}

void write_responses(const Measurement& measurement, const Options& options) {
  Audio audio;
  audio.rate_hz = measurement.rate_hz;
  for (const MeasuredChannel& channel : measurement.channels)
    audio.channels.push_back(audio_of(channel.response.unsqueeze(0), audio.rate_hz).channels[0]);
  write_audio(options.out, audio);
  for (std::size_t order = 2; options.harmonics && order <= 3; ++order) {
    for (std::size_t c = 0; c < audio.channels.size(); ++c)
      audio.channels[c] =
          audio_of(measurement.channels[c].harmonics->responses[order - 2].unsqueeze(0), audio.rate_hz).channels[0];
    write_audio(harmonic_path(options.out, order), audio);
  }
}

void print_channel(const MeasuredChannel& channel, const ChannelQuality& quality) {
  std::printf("channel %lld: impulse over noise %s dB\n", static_cast<long long>(channel.channel + 1),
              printed_or_dash("%.0f", quality.inr_db).c_str());
  std::printf("  %8s  %10s  %10s  %7s  %7s\n", "Hz", "SNR, dB", "range, dB", "T20, s", "T30, s");
  for (const auto& band : quality.analysis.octaves) {
    std::optional<double> snr_db;
    for (const auto& snr : channel.snr) {
      if (snr.hz == band.hz) snr_db = snr.db;
    }
    std::printf("  %8g  %10s  %10.0f  %7s  %7s\n", band.hz, printed_or_dash("%.0f", snr_db).c_str(), band.range_db,
                printed_or_dash("%.3f", band.t20_s).c_str(), printed_or_dash("%.3f", band.t30_s).c_str());
  }
  if (!channel.harmonics) return;
  std::printf("  distortion, noise included:");
  for (const auto& point : channel.harmonics->thd) {
    if (point.hz == 125 || point.hz == 500 || point.hz == 1000 || point.hz == 2000 || point.hz == 4000)
      std::printf("  %g Hz %.2f %%", point.hz, point.thd_pct);
  }
  std::printf("\n");
}

void print(const Measurement& measurement, const MeasurementQuality& quality) {
  for (std::size_t c = 0; c < quality.channels.size(); ++c) print_channel(measurement.channels[c], quality.channels[c]);
  std::printf("clock drift: %s ppm (%s)\n", printed_or_dash("%.2f", measurement.drift.ppm).c_str(),
              measurement.drift.from.c_str());
  for (const std::string& note : quality.notes) std::printf("note: %s\n", note.c_str());
  for (const std::string& limit : quality.limits) std::printf("limit: %s\n", limit.c_str());
  for (const std::string& reason : quality.reasons) std::printf("measure again: %s\n", reason.c_str());
  if (quality.reasons.empty()) std::printf("good\n");
}

void run_deconvolve(const Options& options) {
  const Sweep sweep = read_sweep(options.sweep);
  if (options.harmonics && sweep.type != "ess")
    throw ConfigError("--harmonics: the sweep is of type " + sweep.type + ", expected ess");
  std::vector<fs::path> outputs = {options.out};
  for (std::size_t order = 2; options.harmonics && order <= 3; ++order)
    outputs.push_back(harmonic_path(options.out, order));
  for (const fs::path& path : outputs) {
    if (!options.overwrite && fs::exists(path))
      throw ConfigError(path.string() + ": is there already; expected another name or --overwrite");
  }
  const std::string name = options.recording.string();
  const SweepRecording recording = prepare_recording(read_audio(options.recording), name, sweep, options.reading);
  Progress progress("deconvolve", static_cast<std::int64_t>(recording.audio.channels.size()));
  const Measurement measurement = deconvolve(recording, name, sweep, [&progress](std::int64_t done, std::int64_t) {
    progress.update(done, std::numeric_limits<double>::quiet_NaN());
  });
  progress.finish();
  const MeasurementQuality quality = judge(measurement, sweep);
  write_responses(measurement, options);
  if (options.json) {
    auto report = quality_json(measurement, quality);
    report["file"] = name;
    report["out"] = options.out.string();
    std::cout << report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    print(measurement, quality);
  }
}

}  // namespace

void add_data_deconvolve_command(Command& data, Context&) {
  auto options = std::make_shared<Options>();
  Command* command =
      data.add_subcommand("deconvolve", "A room's response from a recording of a sweep, and how good it is");
  command->add_option("recording", options->recording, "the recording, one or more channels")->required();
  command->add_option("--sweep", options->sweep, "the .json that diffverb data sweep wrote")->required();
  command->add_option("--out", options->out, "response to write (WAV), a channel for each microphone")->required();
  command->add_option("--loopback", options->reading.loopback,
                      "channel, from 1, that recorded what was played by cable: the reference in place of the sweep");
  command->add_flag("--resample", options->reading.resample, "accept a recording of another rate and resample it");
  command->add_flag("--harmonics", options->harmonics,
                    "also write the 2nd and 3rd harmonic's responses: .h2.wav, .h3.wav");
  command->add_flag("--overwrite", options->overwrite, "write over files that are there");
  command->add_flag("--json", options->json, "the quality report as JSON on stdout");
  command->footer(
      "Says whether to measure again, and why: range of the decay by octaves, level changes, repetitions that differ.\n"
      "Latency and clock drift are found and taken out; what disturbed one of three or more repetitions is left "
      "out.\n\n"
      "Examples:\n"
      "  diffverb data deconvolve recording.wav --sweep sweep.json --out ir.wav\n"
      "  diffverb data deconvolve recording.wav --sweep sweep.json --out ir.wav --loopback 2 --harmonics --json");
  command->callback([options] { run_deconvolve(*options); });
}

}  // namespace diffverb
