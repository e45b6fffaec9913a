#include "runtime/render_program/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <vector>

#include "runtime/envelope_decoder.h"
#include "runtime/metadata.h"
#include "runtime/render_program/number_range.h"
#include "runtime/render_program/offline_player.h"
#include "runtime/render_program/presets.h"
#include "runtime/render_program/stream.h"
#include "runtime/response_bank.h"
#include "runtime/waveform_decoder.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;

/// A sound that is written over the one it is made of is lost.
void refuse_own_sound(const RenderOptions& options) {
  std::error_code code;
  if (fs::equivalent(options.in, options.out, code))
    throw RenderFailure{1, "--out: " + options.out + " is the sound that is played, which would be lost"};
}

StreamOptions stream_options(const RenderOptions& options) {
  StreamOptions how;
  how.mix = options.mix.value_or(1);
  how.predelay_ms = options.predelay_ms.value_or(0);
  how.tail_s = options.tail_s;
  how.gain_db = options.gain_db;
  how.block = options.block;
  how.format = options.format == "pcm16"   ? SampleFormat::kPcm16
               : options.format == "pcm24" ? SampleFormat::kPcm24
                                           : SampleFormat::kFloat;
  return how;
}

/// How long and how loud it became, and what was lost.
void tell(const std::string& out, const Streamed& result, double gain_db) {
  char line[256];
  const double peak_db = 20 * std::log10(std::max(result.peak, 1e-12));
  std::snprintf(line, sizeof line, ": %.2f s at %.0f Hz, peak %.1f dB", result.seconds, result.rate_hz, peak_db);
  std::cerr << out << line;
  if (result.clipped > 0) {
    std::snprintf(line, sizeof line,
                  "; %lld samples were beyond full scale and are held there: --gain-db %.1f avoids it", result.clipped,
                  -std::ceil(10 * peak_db) / 10);
    std::cerr << line;
  } else if (result.peak > 1) {
    std::cerr << ", beyond full scale: kept, the file is in floating point";
  }
  std::cerr << "\n";
}

/// Every sound of a folder into a file of its name; the others are played where one cannot be.
void play_folder(const RenderOptions& options, OfflinePlayer& player, const StreamOptions& how) {
  std::vector<fs::path> sounds;
  for (const auto& entry : fs::directory_iterator(options.in)) {
    if (entry.is_regular_file() && entry.path().filename().string().front() != '.') sounds.push_back(entry.path());
  }
  if (sounds.empty()) throw RenderFailure{2, options.in + ": is an empty folder, expected sounds"};
  std::sort(sounds.begin(), sounds.end());
  std::error_code code;
  fs::create_directories(options.out, code);
  if (!fs::is_directory(options.out)) throw RenderFailure{2, options.out + ": cannot be made a folder"};
  if (fs::equivalent(options.in, options.out, code))
    throw RenderFailure{1, "--out: the folder of the sounds themselves would lose them"};
  std::vector<fs::path> written;
  std::size_t failed = 0;
  for (const fs::path& sound : sounds) {
    const fs::path to = fs::path(options.out) / sound.stem().concat(".wav");
    try {
      if (std::find(written.begin(), written.end(), to) != written.end())
        throw RenderFailure{2, sound.string() + ": another sound of this folder becomes " + to.string() + " already"};
      tell(to.string(), stream_sound(player, sound.string(), to.string(), how), how.gain_db);
      written.push_back(to);
    } catch (const RenderFailure& failure) {
      std::cerr << options.program << ": error: " << failure.message << "\n";
      ++failed;
    }
  }
  if (failed > 0)
    throw RenderFailure{2, options.in + ": " + std::to_string(failed) + " of " + std::to_string(sounds.size()) +
                               " files could not be played"};
}

void play(const RenderOptions& options, OfflinePlayer& player, const StreamOptions& how) {
  if (options.impulse_s > 0)
    return tell(options.out, stream_impulse(player, options.impulse_s, options.out, how), how.gain_db);
  if (fs::is_directory(options.in)) return play_folder(options, player, how);
  refuse_own_sound(options);
  tell(options.out, stream_sound(player, options.in, options.out, how), how.gain_db);
}

void play(const RenderOptions& options, std::array<std::vector<float>, 2> responses, double rate_hz) {
  play(options, *play_responses(std::move(responses), rate_hz), stream_options(options));
}

void require_one_input(const RenderOptions& options) {
  if (options.model.empty() && options.preset.empty())
    throw RenderFailure{1, "model is required, or --preset; see --help"};
  if ((options.impulse_s > 0) == !options.in.empty())
    throw RenderFailure{1, "give either --in FILE or --impulse SECONDS; see --help"};
}

void render_preset(const RenderOptions& options) {
  if (!options.bank.empty() || !options.z.empty() || options.width)
    throw RenderFailure{1, "--bank, --z, --width: the preset's controls x, y, z and width choose the point"};
  Preset preset = find_preset(options.preset);
  if (options.mix) preset.values[static_cast<std::size_t>(Control::kMix)] = 100 * *options.mix;
  if (options.predelay_ms) {
    const double most = info(Control::kPredelay).highest;
    if (*options.predelay_ms > most)
      throw RenderFailure{1, "--predelay-ms: at most " + std::to_string(std::lround(most)) + " with --preset"};
    preset.values[static_cast<std::size_t>(Control::kPredelay)] = *options.predelay_ms;
  }
  StreamOptions how = stream_options(options);
  how.mix = 1, how.predelay_ms = 0;  // the preset's own
  play(options, *play_preset(preset, options.model), how);
}

/// The point of a response bank that was asked for.
void render_bank(const RenderOptions& options) {
  if (options.bank.empty())
    throw RenderFailure{1, options.model + " is a response bank: choose a point of it with --bank X,Y,Z"};
  const auto loaded = load_bank(options.model);
  if (!loaded.bank) throw RenderFailure{2, options.model + ": " + loaded.error};
  const StereoResponse response = response_at(*loaded.bank, {options.bank[0], options.bank[1], options.bank[2]});
  if (!response.error.empty()) throw RenderFailure{1, "--bank: " + response.error};
  const double rate = loaded.bank->sample_rate_hz;
  play(options, response.channels, rate);
}

/// Refuses a latent point of another size, or one outside the box.
void check_latent_point(const RenderOptions& options, int latent, double bound) {
  if (options.z.size() != static_cast<std::size_t>(latent))
    throw RenderFailure{1, options.model + " is an autoencoder of " + std::to_string(latent) +
                               " latent coordinates: give as many with --z X,Y,..., not " +
                               std::to_string(options.z.size())};
  for (const double value : options.z) {
    if (!(std::abs(value) <= bound))
      throw RenderFailure{1, "--z: " + std::to_string(value) + " is outside -" + std::to_string(bound) + " to " +
                                 std::to_string(bound)};
  }
}

/// The latent point of an autoencoder that was asked for: two uncorrelated responses of the room, or a pair of a width.
void render_autoencoder(const RenderOptions& options) {
  const auto loaded = load_envelope_decoder(options.model);
  if (!loaded.weights) throw RenderFailure{2, options.model + ": " + loaded.error};
  const int latent = loaded.weights->latent();
  check_latent_point(options, latent, loaded.weights->latent_bound);
  const EnvelopeDecoder decoder(loaded.weights);
  EnvelopeSound sound;
  sound.seconds = options.impulse_s;
  std::array<std::vector<float>, 2> response;
  if (options.width) {
    if (!(std::abs(*options.width) <= 2 * loaded.weights->latent_bound) || options.axis > loaded.weights->latent())
      throw RenderFailure{1, "--width lies between -" + std::to_string(2 * loaded.weights->latent_bound) + " and " +
                                 std::to_string(2 * loaded.weights->latent_bound) + ", --axis between 1 and " +
                                 std::to_string(latent)};
    response = decoder.decode_pair(options.z, {*options.width, options.axis - 1}, sound);
  } else {
    response[0] = decoder.decode(options.z, sound);
    sound.voice = 1;
    response[1] = decoder.decode(options.z, sound);
  }
  const double rate = loaded.weights->sample_rate_hz;
  play(options, response, rate);
}

/// The latent point of a waveform autoencoder: the room through two noises.
void render_waveform(const RenderOptions& options) {
  const auto loaded = load_waveform_decoder(options.model);
  if (!loaded.weights) throw RenderFailure{2, options.model + ": " + loaded.error};
  check_latent_point(options, loaded.weights->latent(), loaded.weights->latent_bound);
  const WaveformDecoder decoder(loaded.weights);
  const std::array<std::vector<float>, 2> response{
      decoder.decode(options.z, {.seconds = options.impulse_s, .voice = 0}),
      decoder.decode(options.z, {.seconds = options.impulse_s, .voice = 1})};
  const double rate = loaded.weights->sample_rate_hz;
  play(options, response, rate);
}

}  // namespace

void add_render_options(CLI::App& app, RenderOptions& options) {
  app.add_option("model", options.model, options.model_kinds);
  app.add_option(
      "--in", options.in,
      "dry sound of any rate and length, 1 to 8 channels, or a folder of them; a model of one input hears the "
      "mean of its channels");
  app.add_option("--impulse", options.impulse_s, "instead of --in: seconds of impulse response")
      ->check(number_in(1e-3, 600));
  app.add_option("--out", options.out, "WAV to write (at the model's rate, one channel an output), or a folder")
      ->required();
  app.add_option("--mix", options.mix, "0 dry to 1 wet (default 1, or the preset's)")->check(number_in(0, 1));
  app.add_option("--predelay-ms", options.predelay_ms, "delay of the wet sound (default 0, or the preset's)")
      ->check(number_in(0, 10000));
  app.add_option("--tail", options.tail_s, "seconds after the dry sound's end (default: until 60 dB down)")
      ->check(number_in(0, 600));
  app.add_option("--block", options.block, "samples a call of the engine; the sound does not depend on it")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--format", options.format, "of the samples: float, or pcm24 and pcm16, which are dithered")
      ->check(CLI::IsMember({"float", "pcm24", "pcm16"}))
      ->capture_default_str();
  app.add_option("--gain-db", options.gain_db, "of what is written")
      ->check(number_in(-120, 120))
      ->capture_default_str();
  app.add_option("--preset", options.preset,
                 "play as the plug-in plays this preset, at the sound's rate: a file (.json), or the name of one that "
                 "came with it; a model that is given plays in place of the preset's");
  app.add_option("--bank", options.bank, "of a response bank: the point X,Y,Z in steps of its grid, from 0")
      ->delimiter(',')
      ->expected(3);
  app.add_option("--z", options.z, "of an autoencoder: the latent point X,Y,...; played in stereo")->delimiter(',');
  app.add_option("--width", options.width,
                 "of an autoencoder: left and right are points this far apart, heard as by microphones as many metres "
                 "apart; 0 is mono (default: two uncorrelated sounds of one point)");
  app.add_option("--axis", options.axis, "of the latent point, along which the width lies")
      ->check(CLI::Range(1, 1024))
      ->needs("--width")
      ->capture_default_str();
}

void render_model(const RenderOptions& options, const std::shared_ptr<const Model>& model) {
  require_one_input(options);
  if (!options.bank.empty() || !options.z.empty() || options.width)
    throw RenderFailure{1, "--bank, --z, --width: " + options.model + " is a delay network"};
  if (model->network.lossless) std::cerr << options.model << ": loses nothing and rings for ever\n";
  play(options, *play_model(model), stream_options(options));
}

void render_file(const RenderOptions& options) {
  require_one_input(options);
  if (!options.preset.empty()) return render_preset(options);
  const std::string kind = kind_of_file(options.model);
  if (!options.bank.empty() && kind != "response_bank")
    throw RenderFailure{1, "--bank: " + options.model + " is not a response bank"};
  if (!options.z.empty() && kind != "autoencoder" && kind != "waveform_autoencoder")
    throw RenderFailure{1, "--z: " + options.model + " is not an autoencoder"};
  if (options.width && kind != "autoencoder")
    throw RenderFailure{1, "--width: " + options.model + " is not an autoencoder"};
  if (kind == "response_bank") return render_bank(options);
  if (kind == "autoencoder") return render_autoencoder(options);
  if (kind == "waveform_autoencoder") return render_waveform(options);
  const auto loaded = load_model(options.model);
  if (!loaded.model) throw RenderFailure{2, options.model + ": " + loaded.error};
  render_model(options, loaded.model);
}

}  // namespace diffverb::runtime
