#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/progress.h"
#include "runtime/metadata.h"
#include "runtime/response_bank.h"
#include "train/cli.h"
#include "train/report/explorer/explorer.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct ExploreArguments {
  fs::path bank, out;
  std::string format = "ogg";
  double quality = report::ExplorerOptions().quality;
  bool overwrite = false;
};

std::shared_ptr<const runtime::ResponseBank> open_bank(const fs::path& path) {
  const bool is_run = fs::is_directory(path) && fs::exists(path / "model.safetensors");
  if (is_run || runtime::kind_of_file(path) == "autoencoder")
    throw ConfigError(path.string() + ": a model is heard through its bank; make one with: diffverb export " +
                      path.string() + " --bank --out bank.safetensors");
  const runtime::BankResult loaded = runtime::load_bank(path);
  if (!loaded)
    throw DataError(path.string() + ": " + loaded.error +
                    "; expected a response bank, as diffverb export MODEL --bank --out bank.safetensors writes it");
  return loaded.bank;
}

void explore(const ExploreArguments& options) {
  const auto bank = open_bank(options.bank);
  report::ExplorerOptions asked;
  asked.format = options.format == "flac" ? report::SoundFormat::kFlac : report::SoundFormat::kVorbis;
  asked.quality = options.quality;
  asked.bank_file = options.bank.filename().string();
  asked.overwrite = options.overwrite;
  const auto points = static_cast<std::int64_t>(bank->size(0)) * bank->size(1) * bank->size(2);
  Progress progress("explore", points);
  asked.progress = [&](std::size_t done, std::size_t) {
    progress.update(static_cast<std::int64_t>(done), std::nan(""));
  };
  const fs::path out = options.out.empty() ? fs::path(options.bank.stem().string() + "_explorer") : options.out;
  const report::ExplorerFiles written = report::write_explorer(*bank, out, asked);
  progress.finish();
  std::printf("%s: %zu points in %zu files, %.1f MB; open it in a browser, no server is needed\n",
              (out / "index.html").c_str(), written.points, written.files, static_cast<double>(written.bytes) / 1e6);
}

}  // namespace

void add_explore_command(Command& app, Context&) {
  auto options = std::make_shared<ExploreArguments>();
  Command* command =
      app.add_subcommand("explore", "Write a page to hear and see the rooms of a response bank, with sliders");
  command->add_option("bank", options->bank, "response bank (.safetensors) of diffverb export --bank")->required();
  command->add_option("--out", options->out, "folder to write [NAME_explorer]");
  command
      ->add_option("--format", options->format,
                   "of the sounds: ogg (Vorbis, small; Safari from 18.4 on) or flac (larger, every browser)")
      ->check(one_of({"ogg", "flac"}))
      ->capture_default_str();
  command->add_option("--quality", options->quality, "of ogg, 0 to 1")
      ->check(in_range(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--overwrite", options->overwrite, "replace an earlier explorer in the same folder");
  command->footer(
      "Examples:\n"
      "  diffverb export autoencoder_3.safetensors --bank --out bank.safetensors\n"
      "  diffverb explore bank.safetensors --out rooms       then open rooms/index.html\n"
      "  diffverb explore bank.safetensors --format flac");
  command->callback([options] { explore(*options); });
}

}  // namespace diffverb
