#include <memory>

#include "core/error.h"
#include "runtime/render_command.h"
#include "train/cli.h"

namespace diffverb {

void add_render_command(CLI::App& app, Context&) {
  auto options = std::make_shared<runtime::RenderOptions>();
  CLI::App* command = app.add_subcommand("render", "Play a weights file: a sound through it, or its impulse response");
  runtime::add_render_options(*command, *options);
  command->footer(
      "Examples:\n  diffverb render room_fit/weights.safetensors --in dry.wav --out wet.wav --mix 0.3\n"
      "  diffverb render room_fit/weights.safetensors --impulse 2 --out ir.wav\n"
      "  diffverb render colorless_N16_d1.json --impulse 2 --out ir.wav       a build of pyFDN");
  command->callback([options] {
    try {
      runtime::render_file(*options);
    } catch (const runtime::RenderFailure& failure) {
      if (failure.code == 1) throw ConfigError(failure.message);
      if (failure.code == 2) throw DataError(failure.message);
      throw Error(failure.message);
    }
  });
}

}  // namespace diffverb
