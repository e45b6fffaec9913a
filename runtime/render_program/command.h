#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

#include "runtime/render_program/failure.h"
#include "runtime/weights.h"

namespace diffverb::runtime {

/// What diffverb-render and `diffverb render` are asked for.
struct RenderOptions {
  std::string model, in, out;
  const char* program = "diffverb-render";  // as messages call it
  const char* model_kinds = "weights (.safetensors), or a build of pyFDN (.json)";  // for --help
  double impulse_s = 0;               // > 0: an impulse response of this length instead of `in`
  std::optional<double> mix;          // 0 dry to 1 wet; wet alone, or the preset's
  std::optional<double> predelay_ms;  // of the wet sound; none, or the preset's
  double tail_s = -1;                 // after the dry sound's end; < 0: until 60 dB down
  double gain_db = 0;                 // of what is written
  int block = 512;                    // samples a call of the engine
  std::string format = "float";       // float, pcm24 or pcm16
  std::string preset;                 // a file, or the name of one that came with the plug-in
  std::vector<double> bank;           // x, y, z in steps of a response bank's grid
  std::vector<double> z;              // of an autoencoder: its latent point
  std::optional<double> width;        // of an autoencoder: see stereo_width.h; without it two voices of one point
  int axis = 1;                       // along which the width lies, from 1
};

/// Declares the options on a command line.
void add_render_options(CLI::App& app, RenderOptions& options);

/// Plays a model that was made in memory as render_file plays a file; options.model is what messages call it.
/// Throws   RenderFailure
void render_model(const RenderOptions& options, const std::shared_ptr<const Model>& model);

/// Plays a file, or a preset, into a WAV file that is written whole or not at all; of a folder of sounds each into a file of
/// its name. Says on stderr how long each is and how loud.
/// Throws   RenderFailure; of a folder the last one, once all others are played
void render_file(const RenderOptions& options);

}  // namespace diffverb::runtime
