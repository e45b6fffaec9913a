#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

#include "runtime/weights.h"

namespace diffverb::runtime {

/// What diffverb-render and `diffverb render` are asked for.
struct RenderOptions {
  std::string model, in, out;
  std::string preset;  // of a plug-in: played with all its controls, at the dry sound's own rate
  const char* model_kinds = "weights (.safetensors), or a build of pyFDN (.json)";  // for --help
  double impulse_s = 0;         // > 0: an impulse response of this length instead of `in`
  double mix = 1;               // 0 dry to 1 wet
  double predelay_ms = 0;       // of the wet sound
  double tail_s = -1;           // after the dry sound's end; < 0: until 60 dB down
  int block = 512;              // samples a call of the engine
  std::vector<double> bank;     // x, y, z in steps of a response bank's grid
  std::vector<double> z;        // of an autoencoder: its latent point
  std::optional<double> width;  // of an autoencoder: see stereo_width.h; without it two voices of one point
  int axis = 1;                 // along which the width lies, from 1
};

/// Why nothing was written, and the exit code: 1 usage, 2 a file.
struct RenderFailure {
  int code;
  std::string message;
};

/// Declares the options on a command line.
void add_render_options(CLI::App& app, RenderOptions& options);

/// Plays a model that was made in memory as render_file plays a file; options.model is what messages call it.
/// Throws   RenderFailure
void render_model(const RenderOptions& options, const std::shared_ptr<const Model>& model);

/// Plays the weights through the engine into a WAV file, which is written whole or not at all.
/// Throws   RenderFailure
void render_file(const RenderOptions& options);

}  // namespace diffverb::runtime
