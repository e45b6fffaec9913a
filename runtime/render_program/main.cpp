// diffverb-render: plays a weights file, offline, through the engine that a plug-in links.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "runtime/render_program/command.h"

int main(int argc, char** argv) {
  diffverb::runtime::RenderOptions options;
  CLI::App app("Plays a diffverb weights file: a sound through it, or its impulse response.", "diffverb-render");
  app.set_version_flag("--version", "diffverb-render " DIFFVERB_RENDER_VERSION);
  diffverb::runtime::add_render_options(app, options);
  app.footer(
      "Examples:\n  diffverb-render room.safetensors --in dry.wav --out wet.wav --mix 0.3\n  diffverb-render "
      "room.safetensors --impulse 2 --out ir.wav\n  diffverb-render bank.safetensors --bank 4,5,0 --in dry.wav --out "
      "wet.wav\n  diffverb-render --preset hall --in dry.wav --out wet.wav --format pcm24\n  diffverb-render "
      "room.safetensors --in stems --out stems_wet      a folder of sounds\n  diffverb-render colorless_N16_d1.json "
      "--impulse 2 --out ir.wav       a build of pyFDN");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::cerr << "diffverb-render: error: " << error.what() << "; see diffverb-render --help\n";
    return 1;
  }
  try {
    diffverb::runtime::render_file(options);
    return 0;
  } catch (const diffverb::runtime::RenderFailure& failure) {
    std::cerr << "diffverb-render: error: " << failure.message << "\n";
    return failure.code;
  } catch (const std::exception& error) {
    std::cerr << "diffverb-render: error: " << error.what() << "\n";
    return 4;
  }
}
