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
#include "core/files_together.h"
#include "core/printed.h"
#include "core/progress.h"
#include "core/sound_input.h"
#include "datasets/measure/denoise.h"
#include "datasets/measure/quality.h"
#include "train/commands/data/commands.h"
#include "train/commands/data/outputs.h"
#include "train/report/measurement_page.h"
#include "train/tensor_values.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct DeconvolveArguments {
  fs::path recording, sweep, out;
  RecordingOptions reading;
  bool harmonics = false, kernels = false, as_measured = false;
  bool no_report = false, overwrite = false, json = false;

  /// Beside the response, its name with another ending.
  fs::path beside(const std::string& ending) const { return fs::path(out).replace_extension(ending); }
  fs::path harmonic(std::size_t order) const { return beside(".h" + std::to_string(order) + ".wav"); }
  std::vector<fs::path> others() const {
    std::vector<fs::path> all;
    if (as_measured) all.push_back(beside(".as_measured.wav"));
    if (harmonics) all.insert(all.end(), {harmonic(2), harmonic(3)});
    if (kernels) all.push_back(beside(".kernels.wav"));
    if (!no_report) all.push_back(beside(".report.html"));
    return all;
  }
};

std::vector<float> samples_of(const at::Tensor& response, double rate_hz) {
  return audio_of(response.unsqueeze(0), rate_hz).channels[0];
}

Audio responses_of(const Measurement& measurement, bool with_noise) {
  Audio audio;
  audio.rate_hz = measurement.rate_hz;
  for (const MeasuredChannel& channel : measurement.channels) {
    const bool left_in = with_noise || !channel.noise.defined();
    const auto response = left_in ? channel.response : denoised(channel.response, channel.noise, audio.rate_hz);
    audio.channels.push_back(samples_of(response, audio.rate_hz));
  }
  return audio;
}

void write_responses(const Measurement& measurement, const Audio& as_measured, const DeconvolveArguments& options,
                     FilesTogether& files) {
  const auto write = [&files](const fs::path& path, const Audio& responses, int most_channels = kMostChannelsRecorded) {
    files.write(path, [&](const fs::path& at) { write_channels(at, responses, most_channels); });
  };
  write(options.out, responses_of(measurement, false));
  if (options.as_measured) write(options.beside(".as_measured.wav"), as_measured);
  Audio audio;
  audio.rate_hz = measurement.rate_hz;
  for (std::size_t order = 2; options.harmonics && order <= 3; ++order) {
    audio.channels.clear();
    for (const MeasuredChannel& channel : measurement.channels)
      audio.channels.push_back(samples_of(channel.harmonics->responses[order - 2], audio.rate_hz));
    write(options.harmonic(order), audio);
  }
  if (!options.kernels) return;
  audio.channels.clear();
  for (const MeasuredChannel& channel : measurement.channels) {
    for (std::int64_t power = 0; power < channel.kernels.size(0); ++power)
      audio.channels.push_back(samples_of(channel.kernels[power], audio.rate_hz));
  }
  write(options.beside(".kernels.wav"), audio, 3 * kMostChannelsRecorded);
}

report::MeasurementPictures pictures_of(const Measurement& measurement, const std::string& name) {
  report::MeasurementPictures out;
  out.recording = name;
  out.drift_over_s = measurement.drift.distance_samples / measurement.rate_hz;
  for (const MeasuredChannel& channel : measurement.channels) {
    report::MeasurementPictures::Channel pictures;
    pictures.level_step_s = kLevelStep_s;
    pictures.levels_dbfs = channel.levels_dbfs;
    pictures.hum_step_hz = channel.hum.step_hz;
    pictures.noise_dbfs = channel.hum.spectrum_dbfs;
    pictures.difference_step_s = channel.repetitions.frame_s;
    const auto& differences = channel.repetitions.differences_db;
    for (std::int64_t r = 0; differences.defined() && r < differences.size(0); ++r)
      pictures.differences_db.push_back(to_vector<double>(differences[r], at::kDouble));
    out.channels.push_back(std::move(pictures));
  }
  return out;
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

void run_deconvolve(const DeconvolveArguments& options) {
  const Sweep sweep = read_sweep(options.sweep);
  if ((options.harmonics || options.kernels) && sweep.type != "ess")
    throw ConfigError(std::string(options.harmonics ? "--harmonics" : "--kernels") + ": the sweep is of type " +
                      sweep.type + ", expected ess");
  check_outputs({options.out}, options.others(), options.overwrite);
  const std::string name = options.recording.string();
  RecordedChannels source = recorded_in(options.recording);
  Progress progress("deconvolve", 2 * source.channels);  // each is read once to be checked, once to be worked on
  const auto after = [&progress](std::int64_t before) {
    return [&progress, before](std::int64_t done, std::int64_t) {
      progress.update(before + done, std::numeric_limits<double>::quiet_NaN());
    };
  };
  const SweepRecording recording = prepare_recording(std::move(source), name, sweep, options.reading, after(0));
  const Measurement measurement = deconvolve(recording, name, sweep, options.kernels, after(recording.channels()));
  progress.finish();
  MeasurementQuality quality = judge(measurement, sweep);
  quality.limits.emplace_back(
      "the response that is written has no steady noise and decays on below it as it did before; these figures are of "
      "the one that was measured, which --as-measured writes too");
  const Audio as_measured = responses_of(measurement, true);
  FilesTogether files;
  write_responses(measurement, as_measured, options, files);
  auto report = quality_json(measurement, quality);
  report["file"] = name;
  report["out"] = options.out.string();
  if (!options.no_report)
    files.write(options.beside(".report.html"), [&](const fs::path& at) {
      report::write_measurement_page(report, as_measured,
                                     pictures_of(measurement, options.recording.filename().string()), at);
    });
  files.commit();
  if (options.json) {
    std::cout << report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    print(measurement, quality);
  }
}

}  // namespace

void add_data_deconvolve_command(Command& data, Context&) {
  auto options = std::make_shared<DeconvolveArguments>();
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
  command->add_flag(
      "--kernels", options->kernels,
      "also write what a Volterra model starts from (its key `kernels`): .kernels.wav, of each channel the\n"
      "responses that the sound, its square and its cube go through");
  command->add_flag(
      "--as-measured", options->as_measured,
      "also write the response with its noise: .as_measured.wav; the one in --out has none and decays on\n"
      "below it as it did before");
  command->add_flag("--no-report", options->no_report, "do not write the pictures: .report.html");
  command->add_flag("--overwrite", options->overwrite, "write over files that are there");
  command->add_flag("--json", options->json, "the quality report as JSON on stdout");
  command->footer(
      "Says whether to measure again, and why: range of the decay by octaves, level changes, repetitions that differ,\n"
      "clicks; with a picture of each in ir.report.html beside ir.wav. Up to 64 channels, one of them in memory.\n"
      "Latency and clock drift are found and taken out; what disturbed one of three or more repetitions is left "
      "out.\n\n"
      "Examples:\n"
      "  diffverb data deconvolve recording.wav --sweep sweep.json --out ir.wav\n"
      "  diffverb data deconvolve recording.wav --sweep sweep.json --out ir.wav --loopback 2 --harmonics --json");
  command->callback([options] { run_deconvolve(*options); });
}

}  // namespace diffverb
