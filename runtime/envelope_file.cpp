#include <algorithm>
#include <cmath>
#include <exception>

#include "runtime/checked_file.h"
#include "runtime/envelope_decoder.h"
#include "runtime/latent_file.h"
#include "runtime/metadata.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;
constexpr const char* kKind = "autoencoder";
constexpr int kMostWidth = 8192, kMostBlocks = 16, kMostBands = 256, kMostKnots = 64;
constexpr int kLeastNoise = 1 << 10, kMostNoise = 1 << 22;
constexpr long long kMostBandNoise = 1LL << 26;
constexpr double kLargest = 1e6;

struct NamedLayer {
  std::string name;
  const DenseWeights* layer;
};

std::vector<NamedLayer> decoder_layers(const EnvelopeDecoderWeights& weights) {
  std::vector<NamedLayer> out{{"decoder.in", &weights.in}};
  for (std::size_t i = 0; i < weights.a.size(); ++i) {
    const std::string block = "decoder.block" + std::to_string(i + 1);
    out.push_back({block + ".a", &weights.a[i]});
    out.push_back({block + ".b", &weights.b[i]});
  }
  out.push_back({"decoder.out", &weights.out});
  return out;
}

/// The encoder's layers in order: in, block1.a, block1.b, ..., out.
std::vector<NamedLayer> encoder_layers(const EnvelopeDecoderWeights& weights) {
  std::vector<NamedLayer> out;
  const std::size_t count = weights.encoder.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = i == 0           ? "in"
                             : i + 1 == count ? "out"
                                              : "block" + std::to_string((i + 1) / 2) + (i % 2 == 1 ? ".a" : ".b");
    out.push_back({"encoder." + name, &weights.encoder[i]});
  }
  return out;
}

std::string take_layer(const Container& file, const std::string& name, DenseWeights& layer) {
  layer.outputs = layer.inputs = -1;
  if (std::string error = take(file, (name + ".weight").c_str(), "F32", {&layer.outputs, &layer.inputs}, layer.weight);
      !error.empty())
    return error;
  return take(file, (name + ".bias").c_str(), "F32", {&layer.outputs}, layer.bias);
}

int count_blocks(const Container& file, const std::string& part) {
  int blocks = 0;
  while (blocks < kMostBlocks && file.tensors.count(part + ".block" + std::to_string(blocks + 1) + ".a.weight") > 0)
    ++blocks;
  return blocks;
}

std::string read_network(const Container& file, const std::string& part, std::vector<DenseWeights>& layers) {
  const int blocks = count_blocks(file, part);
  std::vector<std::string> names{part + ".in"};
  for (int i = 1; i <= blocks; ++i) {
    names.push_back(part + ".block" + std::to_string(i) + ".a");
    names.push_back(part + ".block" + std::to_string(i) + ".b");
  }
  names.push_back(part + ".out");
  for (const std::string& name : names) {
    layers.emplace_back();
    if (std::string error = take_layer(file, name, layers.back()); !error.empty()) return error;
  }
  return {};
}

std::string read_weights(const Container& file, EnvelopeDecoderWeights& weights) {
  std::vector<DenseWeights> layers;
  std::string error = read_network(file, "decoder", layers);
  if (error.empty()) error = read_network(file, "encoder", weights.encoder);
  if (!error.empty()) return error;
  const std::size_t tensors = 2 * (layers.size() + weights.encoder.size()) + 3;
  weights.in = std::move(layers.front());
  weights.out = std::move(layers.back());
  for (std::size_t i = 1; i + 1 < layers.size(); i += 2) {
    weights.a.push_back(std::move(layers[i]));
    weights.b.push_back(std::move(layers[i + 1]));
  }
  int bands = -1, knots = -1, two = 2;
  weights.noise_samples = -1;
  error = take(file, "centres_hz", "F64", {&bands}, weights.centres_hz);
  if (error.empty()) error = take(file, "knots_s", "F64", {&knots}, weights.knots_s);
  if (error.empty()) error = take(file, "noise", "F32", {&two, &weights.noise_samples}, weights.noise);
  if (error.empty()) error = read_metadata_number(file, "sample_rate_hz", weights.sample_rate_hz);
  if (error.empty()) error = read_metadata_number(file, "latent_bound", weights.latent_bound);
  if (!error.empty()) return error;
  if (file.tensors.size() != tensors)
    return "there are " + std::to_string(file.tensors.size()) + " tensors, expected " + std::to_string(tensors);
  if (const std::string* provenance = find_metadata(file, "provenance")) weights.provenance = *provenance;
  if (const std::string* config = find_metadata(file, "config")) weights.config = *config;
  return {};
}

std::string check_rising(const char* name, const std::vector<double>& values, int most, double low, double high) {
  if (values.empty() || values.size() > static_cast<std::size_t>(most))
    return std::string("tensor '") + name + "' has " + std::to_string(values.size()) + " values, expected 1 to " +
           std::to_string(most);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > low && values[i] < high && (i == 0 || values[i] > values[i - 1])) continue;
    return std::string("tensor '") + name + "': value " + std::to_string(i) + " is not a rising number in (" +
           number_text(low) + ", " + number_text(high) + ")";
  }
  return {};
}

std::string check_layer(const NamedLayer& named, int inputs, int outputs) {
  const DenseWeights& layer = *named.layer;
  if (layer.inputs != inputs || layer.outputs != outputs ||
      layer.weight.size() != static_cast<std::size_t>(inputs) * static_cast<std::size_t>(outputs) ||
      layer.bias.size() != static_cast<std::size_t>(outputs))
    return "layer '" + named.name + "' is " + std::to_string(layer.inputs) + " to " + std::to_string(layer.outputs) +
           ", expected " + std::to_string(inputs) + " to " + std::to_string(outputs);
  for (const auto* values : {&layer.weight, &layer.bias}) {
    for (const float value : *values) {
      if (!(std::abs(value) <= kLargest))
        return "layer '" + named.name + "' holds a value that is not a number up to 1e6";
    }
  }
  return {};
}

/// In, blocks of one width, out.
std::string check_chain(const std::vector<NamedLayer>& layers, int outputs) {
  if (layers.size() < 2 || layers.size() % 2 != 0) return "a network needs layers in, pairs of a block, and out";
  const int inputs = layers.front().layer->inputs, width = layers.front().layer->outputs;
  if (inputs < 1 || inputs > 1 << 20 || width < 1 || width > kMostWidth)
    return "layer '" + layers.front().name + "' has impossible sizes";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool last = i + 1 == layers.size();
    const std::string error = check_layer(layers[i], i == 0 ? inputs : width, last ? outputs : width);
    if (!error.empty()) return error;
  }
  return {};
}

std::string check_weights(const EnvelopeDecoderWeights& weights) {
  std::string error = check_latent_space(weights.sample_rate_hz, weights.latent_bound);
  if (error.empty()) error = check_rising("centres_hz", weights.centres_hz, kMostBands, 0, weights.sample_rate_hz / 2);
  if (error.empty()) error = check_rising("knots_s", weights.knots_s, kMostKnots, 0, 0.16);
  if (!error.empty()) return error;
  if (weights.latent() > kMostLatents) return "there are " + std::to_string(weights.latent()) + " latents";
  error = check_chain(decoder_layers(weights), (6 + weights.knots()) * weights.bands());
  if (error.empty()) error = check_chain(encoder_layers(weights), weights.latent());
  if (!error.empty()) return error;
  const int size = weights.noise_samples;
  if (size < kLeastNoise || size > kMostNoise || (size & (size - 1)) != 0 ||
      weights.noise.size() != 2 * static_cast<std::size_t>(size))
    return "tensor 'noise' must be [2, a power of two from 1024 to 4194304]";
  if (static_cast<long long>(size) * weights.bands() > kMostBandNoise)  // the decoder holds it split into bands
    return "tensor 'noise' has " + std::to_string(size) + " samples in " + std::to_string(weights.bands()) +
           " bands, expected at most " + std::to_string(kMostBandNoise) + " together";
  for (const float value : weights.noise) {
    if (!(std::abs(value) <= 1000)) return "tensor 'noise' holds a value that is not a number up to 1000";
  }
  return check_provenance(weights.provenance);
}

/// What the self-test plays. The weights outlive it.
LatentPlayer player_of(const EnvelopeDecoderWeights& weights) {
  return [&weights](const std::vector<double>& latent) {
    const EnvelopeDecoder decoder(std::shared_ptr<const EnvelopeDecoderWeights>(&weights, [](const auto*) {}));
    return decoder.decode(latent, {.seconds = kLatentTestSamples / weights.sample_rate_hz});
  };
}

EnvelopeDecoderResult load_checked(std::span<const std::uint8_t> bytes) {
  return read_checked<EnvelopeDecoderWeights, EnvelopeDecoderResult>(
      bytes, kKind, read_weights, check_weights, [](const EnvelopeDecoderWeights& weights, const std::string& test) {
        return run_latent_test(test, player_of(weights));
      });
}

}  // namespace

EnvelopeDecoderResult load_envelope_decoder(std::span<const std::uint8_t> file) {
  return load_guarded<EnvelopeDecoderResult>([&] { return load_checked(file); });
}

EnvelopeDecoderResult load_envelope_decoder(const std::filesystem::path& path) {
  return load_guarded<EnvelopeDecoderResult>(path, kMaxFileBytes, load_checked);
}

SerializedWeights serialize_envelope_decoder(const EnvelopeDecoderWeights& weights, const Metadata& extra) {
  try {
    if (std::string error = check_weights(weights); !error.empty()) return {{}, error};
    std::map<std::string, Tensor, std::less<>> tensors;
    for (const auto& layers : {decoder_layers(weights), encoder_layers(weights)}) {
      for (const NamedLayer& named : layers) {
        tensors.emplace(named.name + ".weight",
                        view(named.layer->weight, "F32", {named.layer->outputs, named.layer->inputs}));
        tensors.emplace(named.name + ".bias", view(named.layer->bias, "F32", {named.layer->outputs}));
      }
    }
    tensors.emplace("centres_hz", view(weights.centres_hz, "F64", {weights.bands()}));
    tensors.emplace("knots_s", view(weights.knots_s, "F64", {weights.knots()}));
    tensors.emplace("noise", view(weights.noise, "F32", {2, weights.noise_samples}));
    Metadata metadata{{"format", kFormat},
                      {"version", kVersion},
                      {"kind", kKind},
                      {"sample_rate_hz", number_text(weights.sample_rate_hz)},
                      {"latent_bound", number_text(weights.latent_bound)},
                      {"provenance", weights.provenance},
                      {"config", weights.config},
                      {"self_test", make_latent_test(weights.latent(), player_of(weights))},
                      {"sha256", ""}};
    return serialize_loadable(tensors, std::move(metadata), extra, load_checked);
  } catch (const std::exception& failure) {
    return {{}, failure.what()};
  }
}

}  // namespace diffverb::runtime
