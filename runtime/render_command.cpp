#include "runtime/render_command.h"

#include <sndfile.h>
#include <soxr.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <vector>

#include "runtime/envelope_decoder.h"
#include "runtime/live/preset.h"
#include "runtime/metadata.h"
#include "runtime/render.h"
#include "runtime/response_bank.h"
#include "runtime/response_player.h"
#include "runtime/waveform_decoder.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;
using Channels = std::vector<std::vector<float>>;

std::vector<float> resample(const std::vector<float>& from, double from_hz, double to_hz) {
  std::vector<float> to(static_cast<std::size_t>(std::ceil(static_cast<double>(from.size()) * to_hz / from_hz)));
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  std::size_t used = 0, made = 0;
  if (soxr_error_t error = soxr_oneshot(from_hz, to_hz, 1, from.data(), from.size(), &used, to.data(), to.size(), &made,
                                        nullptr, &quality, nullptr)) {
    throw RenderFailure{4, std::string("resampling: ") + error};
  }
  to.resize(made);
  return to;
}

/// At a rate; at its own, which is given back, where that is 0.
Channels read_sound(const std::string& path, double& rate_hz) {
  SF_INFO info{};
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
  if (!file) throw RenderFailure{2, path + ": " + (fs::exists(path) ? "is not an audio file" : "no such file")};
  if (info.channels > 8) {
    sf_close(file);
    throw RenderFailure{2, path + ": has " + std::to_string(info.channels) + " channels, expected 1 to 8"};
  }
  // In pieces: a header's number of frames is not to be trusted with an allocation.
  std::vector<float> interleaved, piece(static_cast<std::size_t>(65536 * info.channels));
  sf_count_t got = 0;
  for (sf_count_t count; (count = sf_readf_float(file, piece.data(), 65536)) > 0; got += count) {
    interleaved.insert(interleaved.end(), piece.begin(), piece.begin() + count * info.channels);
  }
  sf_close(file);
  if (got <= 0) throw RenderFailure{2, path + ": holds no samples"};
  Channels out(info.channels, std::vector<float>(got));
  for (sf_count_t n = 0; n < got; ++n) {
    for (int c = 0; c < info.channels; ++c) {
      out[c][n] = interleaved[n * info.channels + c];
      if (!std::isfinite(out[c][n]))
        throw RenderFailure{
            2, path + ": sample " + std::to_string(n) + " of channel " + std::to_string(c + 1) + " is not a number"};
    }
  }
  if (rate_hz == 0) rate_hz = info.samplerate;
  if (std::abs(info.samplerate - rate_hz) > 0.5) {
    std::cerr << path << ": resampled from " << info.samplerate << " to the model's " << std::lround(rate_hz)
              << " Hz\n";
    for (auto& channel : out) channel = resample(channel, info.samplerate, rate_hz);
  }
  return out;
}

/// To a temporary name, then renamed: a full disk leaves what was there.
void write_wav(const std::string& path, const Channels& channels, double rate_hz) {
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  SF_INFO info{};
  info.samplerate = static_cast<int>(std::lround(rate_hz));
  info.channels = static_cast<int>(channels.size());
  info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
  SNDFILE* file = sf_open(temporary.c_str(), SFM_WRITE, &info);
  if (!file) throw RenderFailure{2, path + ": cannot be written: " + sf_strerror(nullptr)};
  sf_command(file, SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);  // it holds the time of day: equal sounds, unequal files
  const std::size_t frames = channels[0].size();
  std::vector<float> interleaved(frames * channels.size());
  for (std::size_t n = 0; n < frames; ++n) {
    for (std::size_t c = 0; c < channels.size(); ++c) interleaved[n * channels.size() + c] = channels[c][n];
  }
  const bool whole =
      sf_writef_float(file, interleaved.data(), static_cast<sf_count_t>(frames)) == static_cast<sf_count_t>(frames);
  sf_write_sync(file);
  std::error_code code;
  if ((sf_close(file) != 0) || !whole) {
    fs::remove(temporary, code);
    throw RenderFailure{2, path + ": cannot be written whole (is the disk full?)"};
  }
  fs::rename(temporary, path, code);
  if (code) {
    const std::string reason = code.message();
    fs::remove(temporary, code);
    throw RenderFailure{2, path + ": cannot be written: " + reason};
  }
}

/// Until the energy that is still to come has fallen by 60 dB, at most 30 s. response_of(seconds) is a response.
template <typename Response>
double default_tail_s(double rate_hz, const Response& response_of) {
  for (double seconds = 1; seconds <= 32; seconds *= 2) {
    const Channels ir = response_of(seconds);
    std::vector<double> to_come(ir[0].size() + 1, 0.0);
    for (std::size_t n = ir[0].size(); n-- > 0;) {
      to_come[n] = to_come[n + 1];
      for (const auto& channel : ir) to_come[n] += static_cast<double>(channel[n]) * channel[n];
    }
    const double end = 1e-6 * to_come[0];
    const auto silent = std::find_if(to_come.begin(), to_come.end(), [&](double energy) { return energy <= end; });
    const double at = static_cast<double>(silent - to_come.begin()) / rate_hz;
    // What lies beyond this response is not in the sum: only an early end is a sure one.
    if (at <= 0.75 * seconds) return at;
  }
  return 30;
}

/// Pre-delay and mix of what was played, in place.
void finish(const RenderOptions& options, double rate, const Channels& dry, Channels& wet) {
  const auto predelay = static_cast<std::size_t>(std::lround(options.predelay_ms / 1000 * rate));
  for (std::size_t c = 0; c < wet.size(); ++c) {
    wet[c].insert(wet[c].begin(), predelay, 0.0f);
    const auto& from = dry[std::min(c, dry.size() - 1)];
    for (std::size_t n = 0; n < wet[c].size(); ++n) {
      wet[c][n] = static_cast<float>(options.mix * wet[c][n] + (n < from.size() ? (1 - options.mix) * from[n] : 0.0));
    }
  }
}

Channels play(const RenderOptions& options, const std::shared_ptr<const Model>& model) {
  double rate = model->sample_rate_hz();
  if (options.impulse_s > 0) return render_impulse(model, options.impulse_s, options.block);
  const Channels dry = read_sound(options.in, rate);
  const double tail = options.tail_s >= 0
                          ? options.tail_s
                          : default_tail_s(rate, [&](double seconds) { return render_impulse(model, seconds); });
  Channels wet = render(model, dry, tail, options.block);
  finish(options, rate, dry, wet);
  return wet;
}

/// A mono sound goes through both responses, a stereo sound's channels each through its own.
Channels play(const RenderOptions& options, const std::array<std::vector<float>, 2>& response, double rate) {
  const auto samples_of = [&](double seconds) { return static_cast<std::size_t>(std::llround(seconds * rate)); };
  Channels dry;
  std::size_t frames = 0;
  if (options.impulse_s > 0) {
    dry = {{1.0f}};
    frames = std::max<std::size_t>(1, samples_of(options.impulse_s));
  } else {
    dry = read_sound(options.in, rate);
    if (dry.size() > 2)
      throw RenderFailure{2, options.in + ": has " + std::to_string(dry.size()) + " channels, expected 1 or 2"};
    frames = dry[0].size() + (options.tail_s >= 0 ? samples_of(options.tail_s) : response[0].size() - 1);
  }
  Channels in{dry.front(), dry.back()}, wet(2, std::vector<float>(frames));
  for (auto& channel : in) channel.resize(frames, 0.0f);
  ResponsePlayer player;
  player.prepare(response[0], response[1]);
  for (std::size_t done = 0; done < frames; done += static_cast<std::size_t>(options.block)) {
    const float* from[] = {in[0].data() + done, in[1].data() + done};
    float* to[] = {wet[0].data() + done, wet[1].data() + done};
    player.process(from, to, static_cast<int>(std::min(frames - done, static_cast<std::size_t>(options.block))));
  }
  if (options.impulse_s <= 0) finish(options, rate, dry, wet);
  return wet;
}

void require_one_input(const RenderOptions& options) {
  if ((options.impulse_s > 0) == !options.in.empty())
    throw RenderFailure{1, "give either --in FILE or --impulse SECONDS; see --help"};
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
  write_wav(options.out, play(options, response.channels, rate), rate);
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
  write_wav(options.out, play(options, response, rate), rate);
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
  write_wav(options.out, play(options, response, rate), rate);
}

/// A preset, with the model that was named or its own, through what a plug-in plays with.
void render_preset(const RenderOptions& options) {
  PresetResult loaded = load_preset(options.preset);
  if (!loaded.error.empty()) throw RenderFailure{2, options.preset + ": " + loaded.error};
  if (!options.model.empty()) loaded.preset.model = options.model;
  double rate = options.impulse_s > 0 ? 48000 : 0;
  Channels in = options.impulse_s > 0 ? Channels{{1.0f}} : read_sound(options.in, rate);
  if (in.size() > 2)
    throw RenderFailure{2, options.in + ": has " + std::to_string(in.size()) + " channels, expected 1 or 2"};
  LiveReverb reverb;
  if (std::string error = apply(loaded.preset, reverb); !error.empty()) throw RenderFailure{2, error};
  std::string error = reverb.prepare(rate, static_cast<int>(in.size()), 2);
  if (error.empty()) error = reverb.playing().problem;
  if (!error.empty()) throw RenderFailure{2, options.preset + ": " + error};
  double seconds = options.impulse_s;
  if (seconds <= 0) {
    seconds = static_cast<double>(in[0].size()) / rate;
    seconds +=
        options.tail_s >= 0 ? options.tail_s : default_tail_s(rate, [&](double s) { return reverb.response(s); });
  }
  const auto frames = static_cast<std::size_t>(std::max(1LL, std::llround(seconds * rate)));
  for (auto& channel : in) channel.resize(frames, 0.0f);
  Channels out(2, std::vector<float>(frames));
  const auto block = static_cast<std::size_t>(options.block);
  for (std::size_t done = 0; done < frames; done += block) {
    const float* from[] = {in.front().data() + done, in.back().data() + done};
    float* to[] = {out[0].data() + done, out[1].data() + done};
    reverb.process(from, to, static_cast<int>(std::min(frames - done, block)));
  }
  write_wav(options.out, out, rate);
}

}  // namespace

void add_render_options(CLI::App& app, RenderOptions& options) {
  app.add_option("model", options.model, options.model_kinds);
  app.add_option("--in", options.in, "dry sound of any rate; a model of one input hears the mean of its channels");
  app.add_option("--impulse", options.impulse_s, "instead of --in: seconds of impulse response")
      ->check(CLI::Range(1e-3, 600.0));
  app.add_option("--out", options.out, "WAV to write (float32 at the model's rate, one channel an output)")->required();
  auto* preset =
      app.add_option("--preset", options.preset,
                     "a preset of the plug-in (JSON), played with all its controls at the dry sound's rate (an "
                     "impulse: 48000 Hz), in stereo; a model named beside it takes the place of its own");
  app.add_option("--mix", options.mix, "0 dry to 1 wet")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  app.add_option("--predelay-ms", options.predelay_ms, "delay of the wet sound")
      ->check(CLI::Range(0.0, 10000.0))
      ->capture_default_str();
  app.add_option("--tail", options.tail_s, "seconds after the dry sound's end (default: until 60 dB down)")
      ->check(CLI::Range(0.0, 600.0));
  app.add_option("--block", options.block, "samples a call of the engine; the sound does not depend on it")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
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
  for (const char* other : {"--mix", "--predelay-ms", "--bank", "--z", "--width", "--axis"})
    preset->excludes(app.get_option(other));
}

void render_model(const RenderOptions& options, const std::shared_ptr<const Model>& model) {
  require_one_input(options);
  if (!options.preset.empty()) throw RenderFailure{1, "--preset plays weights files, not " + options.model};
  if (!options.bank.empty() || !options.z.empty() || options.width)
    throw RenderFailure{1, "--bank, --z, --width: " + options.model + " is a delay network"};
  if (model->network.lossless) std::cerr << options.model << ": loses nothing and rings for ever\n";
  write_wav(options.out, play(options, model), model->sample_rate_hz());
}

void render_file(const RenderOptions& options) {
  require_one_input(options);
  if (!options.preset.empty()) return render_preset(options);
  if (options.model.empty()) throw RenderFailure{1, "give a model, or --preset FILE; see --help"};
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
