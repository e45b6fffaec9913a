#include "train/gallery.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

#include "core/error.h"
#include "core/progress.h"
#include "train/cli.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// A folder stands for the configs in it, by name.
std::vector<fs::path> configs_in(const std::vector<std::string>& inputs) {
  std::vector<fs::path> out;
  for (const std::string& input : inputs) {
    std::error_code error;
    if (!fs::is_directory(input, error)) {
      out.emplace_back(input);
      continue;
    }
    std::vector<fs::path> found;
    for (fs::directory_iterator file(input, error), end; !error && file != end; file.increment(error)) {
      if (is_config(file->path()) && file->is_regular_file(error)) found.push_back(file->path());
    }
    if (error) throw DataError(input + ": cannot be read: " + error.message());
    if (found.empty()) throw DataError(input + ": no configs (.yaml) in this folder");
    std::sort(found.begin(), found.end());
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

void show_gallery(const std::vector<std::string>& inputs, GalleryOptions options, Context& context) {
  constexpr double kSteps = 1000;  // of one reverberator
  options.configs = configs_in(inputs);
  Progress progress("gallery", static_cast<std::int64_t>(kSteps) * static_cast<std::int64_t>(options.configs.size()));
  options.on_progress = [&](std::size_t config, double share) {
    progress.set_note(options.configs[config].stem().string());
    progress.update(static_cast<std::int64_t>(kSteps * (static_cast<double>(config) + share)), std::nan(""));
  };
  const std::vector<report::GalleryEntry> entries = make_gallery(options);
  progress.finish();
  for (const report::GalleryEntry& entry : entries) context.exit_code = std::max(context.exit_code, entry.exit_code);
  std::cout << report::gallery_table(entries) << "\n"
            << (options.out / "index.html").string() << "     to look at and listen to\n"
            << (options.out / "gallery.json").string() << "   every figure\n";
}

}  // namespace

void add_gallery_command(Command& app, Context& context) {
  struct Options {
    std::vector<std::string> inputs;
    GalleryOptions gallery;
  };
  auto options = std::make_shared<Options>();
  GalleryOptions& gallery = options->gallery;
  Command* command =
      app.add_subcommand("gallery", "Play and measure many reverberators, side by side in one page with their sounds");
  command->add_option("configs", options->inputs, "configs of reverberators (.yaml), or folders of them")->required();
  command->add_option("--out", gallery.out, "folder for index.html, gallery.json and sounds")->required();
  command
      ->add_option("--seconds", gallery.seconds,
                   "of the impulse responses to hear; measured is until they have fallen by 80 dB")
      ->check(in_range(0.2, 60.0))
      ->capture_default_str();
  command->add_option("--dry", gallery.dry, "sound to play through each (default: strings, a drum and a click)");
  command
      ->add_option("--modes-rate", gallery.modes_rate_hz,
                   "Hz; poles are found of each network built at this rate, as the work grows with its square; 0: none")
      ->check(in_range(0.0, 192000.0))
      ->capture_default_str();
  command->add_option("--set", gallery.overlays, "key.path=value, over every config; may stand several times")
      ->take_all();
  command->add_flag("--overwrite", gallery.overwrite, "replace an earlier gallery in the same folder");
  command->footer(
      "Examples:\n"
      "  diffverb gallery configs/reverbs --out gallery                 then open gallery/index.html\n"
      "  diffverb gallery configs/reverbs/schroeder.yaml configs/reverbs/freeverb.yaml --out two --seconds 2\n"
      "  diffverb gallery configs/reverbs --out same --set model.t60_s=1.5 --modes-rate 0\n"
      "  diffverb gallery configs/reverbs --out voice --dry voice.wav\n\n"
      "A config that cannot be played is named in page, gallery.json and log; the others go on, and the exit code is\n"
      "the worst of theirs.");
  command->callback([options, &context] { show_gallery(options->inputs, options->gallery, context); });
}

}  // namespace diffverb
