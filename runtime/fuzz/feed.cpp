#include "runtime/fuzz/feed.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/engine.h"
#include "runtime/envelope_decoder.h"
#include "runtime/live/preset.h"
#include "runtime/live/source.h"
#include "runtime/live/wav_file.h"
#include "runtime/pyfdn_network.h"
#include "runtime/response_bank.h"
#include "runtime/waveform_decoder.h"
#include "runtime/weights.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kFrames = 1500;

/// Either something or one line.
std::string check_result(const char* loader, bool is_there, const std::string& error) {
  if (error.empty() != is_there) return std::string(loader) + " gives neither a result nor a reason";
  if (error.rfind("cannot be loaded: ", 0) == 0)  // checked_file.h: something was thrown, memory that cannot be had
    return std::string(loader) + " asks for more memory than there is";
  if (error.find('\n') != std::string::npos) return std::string(loader) + " gives a reason of several lines: " + error;
  return {};
}

std::string check_finite(const char* what, std::span<const float> sound) {
  const bool finite = std::all_of(sound.begin(), sound.end(), [](float y) { return std::isfinite(y); });
  return finite ? std::string() : std::string(what) + " plays what is not a number";
}

std::string play_model(const std::shared_ptr<const Model>& model) {
  Engine engine;
  if (std::string error = engine.prepare(model, model->sample_rate_hz()); !error.empty())
    return "a model that was taken is not played: " + error;
  std::vector<float> in(kFrames, 0.0f);
  in[0] = 1;
  in[40] = std::numeric_limits<float>::quiet_NaN();
  in[300] = std::numeric_limits<float>::infinity();
  in[301] = -0.5f;
  std::vector<std::vector<float>> out(static_cast<std::size_t>(model->outputs()), std::vector<float>(kFrames));
  std::vector<const float*> from(static_cast<std::size_t>(model->inputs()));
  std::vector<float*> to(out.size());
  std::size_t at = 0;
  for (std::size_t block = 1; at < kFrames; block = 3 * block % 601) {
    const std::size_t frames = std::min(block, kFrames - at);
    std::fill(from.begin(), from.end(), in.data() + at);
    for (std::size_t o = 0; o < out.size(); ++o) to[o] = out[o].data() + at;
    engine.process(from.data(), to.data(), static_cast<int>(frames));
    at += frames;
  }
  engine.reset();
  for (const auto& sound : out) {
    if (std::string error = check_finite("a model", sound); !error.empty()) return error;
  }
  return {};
}

std::string play_bank(const ResponseBank& bank) {
  const std::array<double, 3> last{bank.size(0) - 1.0, bank.size(1) - 1.0, bank.size(2) - 1.0};
  for (const auto& point : {std::array<double, 3>{0, 0, 0}, {0.4 * last[0], 0.7 * last[1], last[2]}}) {
    const StereoResponse response = response_at(bank, point);
    if (!response.error.empty()) return "a bank that was taken is not played: " + response.error;
    for (const auto& sound : response.channels) {
      if (std::string error = check_finite("a bank", sound); !error.empty()) return error;
    }
  }
  return {};
}

std::string play_envelope(const EnvelopeDecoderResult& loaded) {
  const EnvelopeDecoder decoder(loaded.weights);
  const std::vector<double> corner(static_cast<std::size_t>(loaded.weights->latent()), loaded.weights->latent_bound);
  for (const auto& sound : decoder.decode_pair(corner, {}, {.seconds = 0.02, .with_floor = true})) {
    if (std::string error = check_finite("an envelope decoder", sound); !error.empty()) return error;
  }
  return {};
}

std::string play_waveform(const WaveformDecoderResult& loaded) {
  const WaveformDecoder decoder(loaded.weights);
  const std::vector<double> corner(static_cast<std::size_t>(loaded.weights->latent()), -loaded.weights->latent_bound);
  return check_finite("a waveform decoder", decoder.decode(corner, {.seconds = 2.1, .with_floor = true, .voice = 1}));
}

/// As a plug-in plays it: at another rate and longer.
std::string play_source(std::span<const std::uint8_t> file) {
  const SourceResult loaded = load_source(file, "name");
  if (std::string error = check_result("load_source", loaded.source != nullptr, loaded.error); !error.empty())
    return error;
  if (!loaded) return {};
  Setting setting;
  setting.rate_hz = 44100;
  setting.point = {3.3, 9, 0};
  setting.variation.decay = 1.5;
  const VoiceResult made = loaded.source->make_voice(setting);
  if (std::string error = check_result("make_voice", made.voice != nullptr, made.error); !error.empty()) return error;
  if (!made.voice) return {};
  constexpr int kBlock = 300;
  std::vector<float> in(kBlock, 0.25f);
  std::vector<std::vector<float>> out(static_cast<std::size_t>(made.voice->outputs()), std::vector<float>(kBlock));
  const std::vector<const float*> from(static_cast<std::size_t>(made.voice->inputs()), in.data());
  std::vector<float*> to;
  for (auto& sound : out) to.push_back(sound.data());
  made.voice->process(from.data(), to.data(), kBlock);
  for (const auto& sound : out) {
    if (std::string error = check_finite("a voice", sound); !error.empty()) return error;
  }
  return {};
}

std::string feed_preset(std::span<const std::uint8_t> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const PresetResult read = read_preset(text, "/folder");
  if (!read.error.empty()) return check_result("read_preset", false, read.error);
  const PresetResult again = read_preset(preset_text(read.preset, "/folder"), "/folder");
  return again.error.empty() ? std::string() : "a preset's own text is refused: " + again.error;
}

std::string feed_weights(std::span<const std::uint8_t> file) {
  const LoadResult model = load_model(file);
  std::string error = check_result("load_model", model.model != nullptr, model.error);
  if (error.empty() && model) error = play_model(model.model);
  if (error.empty() && model) make_pyfdn(model.model->network);
  // The loaders part where they read the kind: what comes before is the same code.
  if (!error.empty() || model.error.rfind("kind ", 0) != 0) return error;
  const BankResult bank = load_bank(file);
  error = check_result("load_bank", bank.bank != nullptr, bank.error);
  if (error.empty() && bank) error = play_bank(*bank.bank);
  if (!error.empty() || bank.error.rfind("kind ", 0) != 0) return error;
  const EnvelopeDecoderResult envelope = load_envelope_decoder(file);
  error = check_result("load_envelope_decoder", envelope.weights != nullptr, envelope.error);
  if (error.empty() && envelope) error = play_envelope(envelope);
  if (!error.empty() || envelope.error.rfind("kind ", 0) != 0) return error;
  const WaveformDecoderResult waveform = load_waveform_decoder(file);
  error = check_result("load_waveform_decoder", waveform.weights != nullptr, waveform.error);
  if (error.empty() && waveform) error = play_waveform(waveform);
  return error;
}

}  // namespace

std::string feed_loaders(std::span<const std::uint8_t> file) {
  std::string error = feed_weights(file);
  if (error.empty()) error = play_source(file);
  if (error.empty()) error = feed_preset(file);
  return error;
}

}  // namespace diffverb::runtime
