#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "runtime/render_program/command.h"
#include "train/cli.h"
#include "train/network_config.h"

namespace diffverb {

void add_render_command(Command& app, Context&) {
  struct Options {
    runtime::RenderOptions render;
    std::vector<std::string> set;
  };
  auto options = std::make_shared<Options>();
  Command* command =
      app.add_subcommand("render", "Play a weights file or a config: a sound through it, or its impulse response");
  options->render.program = "diffverb";
  options->render.model_kinds =
      "weights (.safetensors), a build of pyFDN (.json), or the config of a reverberator (.yaml)";
  runtime::add_render_options(command->parser(), options->render);
  command
      ->add_option("--set", options->set,
                   "of a config: key.path=value, over what stands in it; may stand several times")
      ->take_all();
  command->footer(
      "Examples:\n  diffverb render room_fit/weights.safetensors --in dry.wav --out wet.wav --mix 0.3\n"
      "  diffverb render room_fit/weights.safetensors --impulse 2 --out ir.wav\n"
      "  diffverb render configs/reverbs/gardner_small.yaml --impulse 2 --out ir.wav --set model.t60_s=0.5\n"
      "  diffverb render colorless_N16_d1.json --impulse 2 --out ir.wav       a build of pyFDN");
  command->callback([options] {
    try {
      if (is_config(options->render.model)) {
        runtime::render_model(options->render, playable_model(options->render.model, options->set));
      } else if (!options->set.empty()) {
        throw ConfigError("--set: " + options->render.model + " is no config (.yaml)");
      } else {
        runtime::render_file(options->render);
      }
    } catch (const runtime::RenderFailure& failure) {
      if (failure.code == 1) throw ConfigError(failure.message);
      if (failure.code == 2) throw DataError(failure.message);
      throw Error(failure.message);
    }
  });
}

}  // namespace diffverb
