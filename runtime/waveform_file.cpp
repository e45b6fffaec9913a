#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include "runtime/checked_file.h"
#include "runtime/latent_file.h"
#include "runtime/metadata.h"
#include "runtime/safetensors.h"
#include "runtime/waveform_decoder.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxWaveformBytes = std::uint64_t{1} << 28;
constexpr const char* kKind = "waveform_autoencoder";
constexpr int kMostChannels = 1024, kMostBands = 256, kMostTaps = 4096, kMostBlocks = 10;
constexpr int kMostVoices = 16;
constexpr double kLargest = 1e6;

std::string read_tensor(const Container& file, const std::string& name, WaveformTensor& to) {
  const Tensor& from = file.tensors.find(name)->second;
  if (from.dtype != "F32") return "tensor " + in_quotes(name) + " is " + from.dtype + ", expected F32";
  for (const std::uint64_t extent : from.shape) {
    if (extent < 1 || extent > 1 << 24) return "tensor " + in_quotes(name) + " has the shape " + shape_text(from.shape);
    to.shape.push_back(static_cast<int>(extent));
  }
  to.values.resize(from.bytes.size() / sizeof(float));
  if (!from.bytes.empty()) std::memcpy(to.values.data(), from.bytes.data(), from.bytes.size());
  return {};
}

std::string read_weights(const Container& file, WaveformDecoderWeights& weights) {
  for (const auto& [name, tensor] : file.tensors) {
    std::string error;
    if (name == "noise")
      error = read_tensor(file, name, weights.noise);
    else if (name.rfind("decoder.", 0) == 0)
      error = read_tensor(file, name, weights.decoder[name.substr(8)]);
    else if (name.rfind("encoder.", 0) == 0)
      error = read_tensor(file, name, weights.encoder[name.substr(8)]);
    else
      error = "tensor " + in_quotes(name) + " belongs to nothing";
    if (!error.empty()) return error;
  }
  double onset = -1;
  std::string error = read_metadata_number(file, "sample_rate_hz", weights.sample_rate_hz);
  if (error.empty()) error = read_metadata_number(file, "latent_bound", weights.latent_bound);
  if (error.empty()) error = read_metadata_number(file, "onset_samples", onset);
  if (!error.empty()) return error;
  if (!(onset >= 0 && onset <= kWaveformSamples / 2 && onset == std::floor(onset)))
    return "the onset is at sample " + number_text(onset) + ", expected a whole number from 0 to 16384";
  weights.onset_samples = static_cast<int>(onset);
  if (const std::string* provenance = find_metadata(file, "provenance")) weights.provenance = *provenance;
  if (const std::string* config = find_metadata(file, "config")) weights.config = *config;
  return {};
}

using Shapes = std::map<std::string, std::vector<int>>;

void add_layer(Shapes& to, const std::string& name, int inputs, int outputs, int taps) {
  to[name + ".weight"] = {outputs, inputs, taps};
  to[name + ".bias"] = {outputs};
}

int add_blocks(Shapes& to, const WaveformDecoderWeights& w, const std::string& part, int latent, int c,
               bool conditioned) {
  int i = 1;
  for (; i <= kMostBlocks && w.decoder.count(part + ".block" + std::to_string(i) + ".out.bias") > 0; ++i) {
    const std::string block = part + ".block" + std::to_string(i);
    add_layer(to, block + ".dilated", c, 2 * c, 3);
    add_layer(to, block + ".film", latent, 2 * c, 1);
    if (conditioned) add_layer(to, block + ".condition", c, 2 * c, 1);
    add_layer(to, block + ".out", c, c, 1);
  }
  return i - 1;
}

/// The tensors that a decoder of these sizes has; its own sizes stand in four of them.
std::string check_shapes(const WaveformDecoderWeights& w) {
  const auto is = [&](const char* name, std::size_t axes) {
    const auto found = w.decoder.find(name);
    return found != w.decoder.end() && found->second.shape.size() == axes;
  };
  if (!is("seed.weight", 3) || !is("filters", 3) || !is("early.bias", 1) || w.noise.shape.size() != 3)
    return "tensors 'decoder.seed.weight', 'decoder.filters', 'decoder.early.bias' and 'noise' are needed";
  const int latent = w.latent(), c = w.channels(), bands = w.bands(), taps = w.taps();
  const int early = w.decoder.at("early.bias").shape[0];
  if (latent > kMostLatents || c < 1 || c > kMostChannels || bands > kMostBands || taps > kMostTaps ||
      taps < kWaveformHop || taps % 2 != 0 || early > kWaveformSamples)
    return "the decoder has impossible sizes";
  Shapes shapes{{"filters", {bands, 1, taps}}};
  add_layer(shapes, "seed", latent, c * kWaveformSeedFrames, 1);
  for (const char* name : {"level", "rate", "floor"}) add_layer(shapes, name, latent, bands, 1);
  add_layer(shapes, "early", latent, early, 1);
  add_layer(shapes, "gain", c, bands, 1);
  add_layer(shapes, "out", c, bands, 1);
  add_layer(shapes, "in", bands + 1, c, 1);
  for (int stage = 1; stage <= kWaveformGrowthStages; ++stage)
    add_blocks(shapes, w, "growth" + std::to_string(stage), latent, c, false);
  add_blocks(shapes, w, "wave", latent, c, true);
  for (const auto& [name, shape] : shapes) {
    const auto found = w.decoder.find(name);
    if (found == w.decoder.end()) return "tensor 'decoder." + name + "' is missing";
    if (found->second.shape != shape)
      return "tensor 'decoder." + name + "' has the shape " +
             shape_text({found->second.shape.begin(), found->second.shape.end()}) + ", expected " +
             shape_text({shape.begin(), shape.end()});
  }
  for (const auto& [name, tensor] : w.decoder) {
    if (shapes.count(name) == 0) return "tensor 'decoder." + name + "' belongs to nothing";
  }
  if (w.noise.shape[0] > kMostVoices || w.noise.shape[1] != bands || w.noise.shape[2] != kWaveformFrames)
    return "tensor 'noise' must be [up to 16, " + std::to_string(bands) + ", 1024]";
  return {};
}

std::string check_values(const std::string& name, const WaveformTensor& tensor) {
  std::size_t size = 1;
  for (const int extent : tensor.shape) size *= static_cast<std::size_t>(extent);
  if (tensor.values.size() != size) return "tensor '" + name + "' has not as many values as its shape says";
  for (const float value : tensor.values) {
    if (!(std::abs(value) <= kLargest)) return "tensor '" + name + "' holds a value that is not a number up to 1e6";
  }
  return {};
}

std::string check_weights(const WaveformDecoderWeights& weights) {
  std::string error = check_latent_space(weights.sample_rate_hz, weights.latent_bound);
  if (error.empty()) error = check_shapes(weights);
  if (error.empty()) error = check_values("noise", weights.noise);
  for (const auto* part : {&weights.decoder, &weights.encoder}) {
    for (const auto& [name, tensor] : *part) {
      if (error.empty()) error = check_values((part == &weights.decoder ? "decoder." : "encoder.") + name, tensor);
    }
  }
  if (!error.empty()) return error;
  return check_provenance(weights.provenance);
}

/// What the self-test plays. The weights outlive it.
LatentPlayer player_of(const WaveformDecoderWeights& weights) {
  return [&weights](const std::vector<double>& latent) {
    const WaveformDecoder decoder(std::shared_ptr<const WaveformDecoderWeights>(&weights, [](const auto*) {}));
    std::vector<float> out = decoder.decode(latent, {.with_floor = true});
    out.resize(kLatentTestSamples);
    return out;
  };
}

WaveformDecoderResult load_checked_waveform(std::span<const std::uint8_t> bytes) {
  return read_checked<WaveformDecoderWeights, WaveformDecoderResult>(
      bytes, kKind, read_weights, check_weights, [](const WaveformDecoderWeights& weights, const std::string& test) {
        return run_latent_test(test, player_of(weights));
      });
}

}  // namespace

WaveformDecoderResult load_waveform_decoder(std::span<const std::uint8_t> file) {
  return load_guarded<WaveformDecoderResult>([&] { return load_checked_waveform(file); });
}

WaveformDecoderResult load_waveform_decoder(const std::filesystem::path& path) {
  return load_guarded<WaveformDecoderResult>(path, kMaxWaveformBytes, load_checked_waveform);
}

SerializedWeights serialize_waveform_decoder(const WaveformDecoderWeights& weights) {
  try {
    if (std::string error = check_weights(weights); !error.empty()) return {{}, error};
    std::map<std::string, Tensor, std::less<>> tensors;
    tensors.emplace("noise", view(weights.noise.values, "F32", weights.noise.shape));
    for (const auto& [name, tensor] : weights.decoder)
      tensors.emplace("decoder." + name, view(tensor.values, "F32", tensor.shape));
    for (const auto& [name, tensor] : weights.encoder)
      tensors.emplace("encoder." + name, view(tensor.values, "F32", tensor.shape));
    return serialize_loadable(tensors,
                              {{"format", kFormat},
                               {"version", kVersion},
                               {"kind", kKind},
                               {"sample_rate_hz", number_text(weights.sample_rate_hz)},
                               {"latent_bound", number_text(weights.latent_bound)},
                               {"onset_samples", std::to_string(weights.onset_samples)},
                               {"provenance", weights.provenance},
                               {"config", weights.config},
                               {"self_test", make_latent_test(weights.latent(), player_of(weights))},
                               {"sha256", ""}},
                              {}, load_checked_waveform);
  } catch (const std::exception& failure) {
    return {{}, failure.what()};
  }
}

}  // namespace diffverb::runtime
