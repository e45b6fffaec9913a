#include "train/fit/fit.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "core/error.h"
#include "core/log.h"
#include "core/printed.h"
#include "datasets/response_file.h"
#include "train/cli.h"
#include "train/failure.h"
#include "train/fit/fit_batch.h"
#include "train/fit/pair_fit.h"
#include "train/report/report.h"
#include "train/report/run_data.h"
#include "train/stop.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct FitArguments {
  std::vector<std::string> inputs;
  std::string out, config, resume, device, dry, wet;
  std::vector<std::string> set;
  bool overwrite = false, batch = false;
};

/// "room" for room.wav, "room_3" for room.sofa#3.
std::string run_name(const fs::path& path) {
  std::string number = path.extension().string();
  number = number.find('#') == std::string::npos ? "" : "_" + number.substr(number.find('#') + 1);
  return path.stem().string() + number;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && is_response_name(entry.path())) files.push_back(entry.path());
  }
  if (files.empty()) throw DataError(folder.string() + ": no audio files in this folder");
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> expand(const std::vector<std::string>& inputs) {
  std::vector<fs::path> responses;
  for (const std::string& input : inputs) {
    const std::vector<fs::path> files = fs::is_directory(input) ? files_in(input) : std::vector<fs::path>{input};
    for (const fs::path& file : files) {
      std::vector<fs::path> found{file};
      try {
        found = responses_in(file);
      } catch (const DataError&) {  // told when its turn comes, so that the others are fitted
      }
      responses.insert(responses.end(), found.begin(), found.end());
    }
  }
  return responses;
}

/// One folder a file; files of one name in different folders are told apart by their folder's name, then by a number.
std::vector<fs::path> run_folders(const std::vector<fs::path>& files, const fs::path& out) {
  std::vector<fs::path> folders;
  for (const fs::path& file : files) {
    fs::path name = run_name(file);
    if (std::find(folders.begin(), folders.end(), out / name) != folders.end())
      name = fs::path(file.parent_path().filename().string() + "_" + name.string());
    const std::string base = name.string();
    for (int k = 2; std::find(folders.begin(), folders.end(), out / name) != folders.end(); ++k)
      name = base + "_" + std::to_string(k);
    folders.push_back(out / name);
  }
  return folders;
}

void say_stopped(const FitOutcome& outcome, Context& context) {
  log().warning(outcome.resumable ? "stopped after " + std::to_string(outcome.steps) +
                                        " steps; go on with: diffverb fit --resume " + outcome.folder.string()
                                  : "stopped before the first step; nothing was written");
  context.exit_code = kStoppedExitCode;
}

/// One after the other.
void fit_many(const std::vector<BatchRoom>& rooms, FitOptions base, Context& context) {
  std::vector<fs::path> done;
  int worst = 0;
  for (const BatchRoom& room : rooms) {
    base.input = room.input;
    base.out = room.folder;
    try {
      const FitOutcome outcome = fit_response(base);
      if (outcome.stopped) return say_stopped(outcome, context);
      done.push_back(outcome.folder);
    } catch (const Error& error) {  // one bad file of many: told, and the others go on
      log().error(message_about(room.input, error.what()));
      worst = std::max(worst, error.exit_code());
    }
  }
  std::cout << summary_table(done);
  context.exit_code = worst;
}

/// All at once.
void fit_as_batch(const std::vector<BatchRoom>& rooms, const FitOptions& base, Context& context) {
  const BatchOutcome outcome = fit_batch(rooms, base, rooms_at_once(base));
  if (outcome.stopped.empty() && outcome.not_begun == 0) {
    std::cout << summary_table(outcome.done);
    context.exit_code = outcome.exit_code;
    return;
  }
  for (const FitOutcome& stopped : outcome.stopped) say_stopped(stopped, context);
  log().warning("rooms done: " + std::to_string(outcome.done.size()) +
                ", with a checkpoint: " + std::to_string(outcome.stopped.size()) +
                ", failed: " + std::to_string(outcome.failed) + ", not begun: " + std::to_string(outcome.not_begun) +
                " (the same command fits these and leaves the others as they are)");
  context.exit_code = kStoppedExitCode;
}

std::vector<BatchRoom> rooms_of(const std::vector<fs::path>& files, const fs::path& out) {
  std::error_code code;
  if (fs::exists(out, code) && !fs::is_directory(out, code))
    throw ConfigError(out.string() + ": exists and is no folder, expected a folder for the runs");
  const std::vector<fs::path> folders = run_folders(files, out);
  std::vector<BatchRoom> rooms;
  for (std::size_t i = 0; i < files.size(); ++i) rooms.push_back({files[i], folders[i]});
  return rooms;
}

std::vector<std::string> base_overlays(const FitArguments& options) {
  std::vector<std::string> overlays = options.set;
  if (!options.device.empty()) overlays.push_back("device=" + options.device);
  return overlays;
}

/// One line a figure, and where to look.
void say_pair(const fs::path& folder) {
  const auto metrics = report::read_json_object(folder / "metrics.json");
  for (const char* part : {"training", "held_back"}) {
    std::cout << part << ": NMSE " << printed("%.2f", report::number_at(metrics, {part, "nmse_db"}))
              << " dB, log-spectral distance "
              << printed("%.2f", report::number_at(metrics, {part, "log_spectral_distance_db"})) << " dB\n";
  }
  std::cout << "\n"
            << folder.string() << "/report.html           both sounds, to look at and listen to\n"
            << folder.string() << "/out.wav               dry.wav as the runtime plays it\n"
            << folder.string() << "/weights.safetensors   for diffverb-render and plug-ins\n";
}

void fit_to_pair(FitOptions base, const FitArguments& options, Context& context) {
  if (!options.resume.empty()) {
    base.overwrite = false;
  } else {
    if (!options.inputs.empty() || options.batch || options.dry.empty() || options.wet.empty())
      throw ConfigError("a pair is --dry FILE and --wet FILE, both, and no other file or --batch beside them");
    base.dry = options.dry;
    base.input = options.wet;
    base.out = options.out.empty() ? fs::path(run_name(options.wet) + "_fit") : fs::path(options.out);
  }
  const FitOutcome outcome = fit_pair(base);
  if (outcome.stopped) return say_stopped(outcome, context);
  say_pair(outcome.folder);
}

void fit(const FitArguments& options, Context& context) {
  FitOptions base;
  base.config = options.config;
  base.overlays = base_overlays(options);
  base.overwrite = options.overwrite;
  base.arguments = context.arguments;
  const bool is_pair = !options.dry.empty() || !options.wet.empty();
  if (!options.resume.empty()) {
    if (!options.inputs.empty() || !options.out.empty() || !options.config.empty() || !options.set.empty() ||
        options.batch || is_pair) {
      throw ConfigError(
          "--resume goes on with what the run was given: no file, --dry, --wet, --out, --config, --set or --batch "
          "beside it");
    }
    base = resume_options(options.resume);
    base.overlays = base_overlays(options);
    if (!base.dry.empty()) return fit_to_pair(base, options, context);
  } else if (is_pair) {
    return fit_to_pair(base, options, context);
  } else {
    const std::vector<fs::path> files = expand(options.inputs);
    if (files.empty())
      throw ConfigError("fit needs an impulse response, e.g. diffverb fit room.wav; see diffverb fit --help");
    const bool many = files.size() > 1 || fs::is_directory(options.inputs[0]);
    if (many) {
      const std::vector<BatchRoom> rooms = rooms_of(files, options.out.empty() ? "fits" : options.out);
      return options.batch ? fit_as_batch(rooms, base, context) : fit_many(rooms, base, context);
    }
    base.input = files[0];
    base.out = options.out.empty() ? fs::path(run_name(files[0]) + "_fit") : fs::path(options.out);
  }
  const FitOutcome outcome = fit_response(base);
  if (outcome.stopped) return say_stopped(outcome, context);
  std::cout << summary_table({outcome.folder});
  std::cout << "\n"
            << outcome.folder.string() << "/report.html           what was measured, to look at and listen to\n"
            << outcome.folder.string() << "/ir.wav                what the runtime plays\n"
            << outcome.folder.string() << "/weights.safetensors   for diffverb-render and plug-ins\n";
}

}  // namespace

void add_fit_command(Command& app, Context& context) {
  auto options = std::make_shared<FitArguments>();
  Command* command = app.add_subcommand("fit", "Fit a feedback delay network to measured impulse responses");
  command->add_option(
      "files", options->inputs,
      "impulse responses (WAV, FLAC, AIFF, SOFA, ...; 1 to 8 channels) or folders of them; room.sofa#3 is one\n"
      "response of a SOFA file");
  command->add_option("--dry", options->dry, "instead of a response: what was played into the space (1 or 2 channels)");
  command->add_option("--wet", options->wet, "and what was recorded there (1 to 8 channels), at the same rate");
  command->add_option("--out", options->out,
                      "run folder (default NAME_fit; for several files a folder of run folders, default fits)");
  command->add_option("--config", options->config,
                      "YAML (default: the built-in configs/fdn_fit.yaml, of a pair configs/pair_fit.yaml)");
  command->add_option("--set", options->set, "key.path=value, over the config; may stand several times")->take_all();
  add_device_option(*command, options->device);
  command->add_option("--resume", options->resume, "go on with a stopped run (--device may name another)");
  command->add_flag("--overwrite", options->overwrite, "replace an earlier run in the same folder");
  command->add_flag(
      "--batch", options->batch,
      "several files or a folder: as many rooms at once as there are cores, instead of one after the\n"
      "other; --set threads=N is then the number of rooms. Each takes up to 80 MB of memory for a second\n"
      "of response at 48 kHz");
  command->footer(
      "Examples:\n"
      "  diffverb fit room.wav\n"
      "  diffverb fit room.wav --out runs/room --set quality=high\n"
      "  diffverb fit room.wav --set model.lines=24 --set model.early_ms=30\n"
      "  diffverb fit room.wav --device auto\n"
      "  diffverb fit measurements/ --out runs\n"
      "  diffverb fit measurements/ --batch --out runs\n"
      "  diffverb fit rooms/*.wav --batch --set threads=4\n"
      "  diffverb fit brirs.sofa#18 --out runs/front\n"
      "  diffverb fit --dry dry.wav --wet wet.wav --out runs/plate\n"
      "  diffverb fit --resume runs/room");
  command->callback([options, &context] { fit(*options, context); });
}

}  // namespace diffverb
