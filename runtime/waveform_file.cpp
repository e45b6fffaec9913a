#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <nlohmann/json.hpp>

#include "runtime/metadata.h"
#include "runtime/safetensors.h"
#include "runtime/waveform_decoder.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr const char* kKind = "waveform_autoencoder";
constexpr int kMostLatents = 1024, kMostChannels = 1024, kMostBands = 256, kMostTaps = 4096, kMostBlocks = 10;
constexpr int kMostVoices = 16;
constexpr int kTestOutput = 256;
constexpr double kTolerance = 1e-4, kLargest = 1e6;

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
  if (!(weights.sample_rate_hz >= 8000 && weights.sample_rate_hz <= 1e6))
    return "the sample rate is " + number_text(weights.sample_rate_hz) + " Hz, expected 8000 to 1000000";
  if (!(weights.latent_bound > 0 && weights.latent_bound <= 1000))
    return "the latent bound is " + number_text(weights.latent_bound) + ", expected above 0";
  std::string error = check_shapes(weights);
  if (error.empty()) error = check_values("noise", weights.noise);
  for (const auto* part : {&weights.decoder, &weights.encoder}) {
    for (const auto& [name, tensor] : *part) {
      if (error.empty()) error = check_values((part == &weights.decoder ? "decoder." : "encoder.") + name, tensor);
    }
  }
  if (!error.empty()) return error;
  if (!nlohmann::json::parse(weights.provenance, nullptr, false).is_object())
    return "the provenance is not the text of a JSON object";
  return {};
}

std::vector<float> test_output(const WaveformDecoderWeights& weights, const std::vector<double>& latent) {
  const WaveformDecoder decoder(std::shared_ptr<const WaveformDecoderWeights>(&weights, [](const auto*) {}));
  std::vector<float> out = decoder.decode(latent, {.with_floor = true});
  out.resize(kTestOutput);
  return out;
}

std::string make_test(const WaveformDecoderWeights& weights) {
  std::vector<double> latent;
  for (int i = 0; i < weights.latent(); ++i) latent.push_back(i % 3 == 0 ? 0.5 : i % 3 == 1 ? -0.25 : 0.125);
  return nlohmann::json{{"latent", latent}, {"output", test_output(weights, latent)}, {"tolerance", kTolerance}}.dump();
}

std::string run_test(const WaveformDecoderWeights& weights, const std::string& text) {
  const auto test = nlohmann::json::parse(text, nullptr, false);
  const std::string malformed = "metadata 'self_test' is not {latent, output, tolerance}";
  if (!test.is_object() || !test.contains("latent") || !test.contains("output") || !test.contains("tolerance"))
    return malformed;
  std::vector<double> latent, expected;
  for (const auto& [key, into] : {std::pair{"latent", &latent}, std::pair{"output", &expected}}) {
    if (!test[key].is_array() || test[key].size() > kTestOutput + kMostLatents) return malformed;
    for (const auto& value : test[key]) {
      if (!value.is_number()) return malformed;
      into->push_back(value.get<double>());
    }
  }
  if (expected.size() != kTestOutput || !test["tolerance"].is_number()) return malformed;
  const double tolerance = std::clamp(test["tolerance"].get<double>(), 0.0, 1e-2);
  const std::vector<float> output = test_output(weights, latent);
  double largest = 0;
  for (const float value : output) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (std::size_t n = 0; n < output.size(); ++n) {
    if (std::abs(output[n] - expected[n]) <= tolerance * std::max(largest, 1e-9)) continue;
    return "self-test: sample " + std::to_string(n) + " is " + number_text(output[n]) + ", expected " +
           number_text(expected[n]);
  }
  return {};
}

WaveformDecoderResult refuse(std::string reason) { return {nullptr, std::move(reason)}; }

WaveformDecoderResult load_checked(std::span<const std::uint8_t> bytes) {
  const Container file = parse_container(bytes, true);
  if (!file.ok()) return refuse(file.error);
  std::string kind;
  if (std::string error = check_header(file, kind); !error.empty()) return refuse(error);
  if (kind != kKind) return refuse("kind " + in_quotes(kind) + " is not " + in_quotes(kKind));
  auto weights = std::make_shared<WaveformDecoderWeights>();
  if (std::string error = read_weights(file, *weights); !error.empty()) return refuse(error);
  if (std::string error = check_weights(*weights); !error.empty()) return refuse(error);
  weights->metadata = file.metadata;
  const std::string* test = find_metadata(file, "self_test");
  if (!test) return refuse("metadata 'self_test' is missing");
  if (std::string error = run_test(*weights, *test); !error.empty()) return refuse(error);
  return {std::move(weights), {}};
}

}  // namespace

WaveformDecoderResult load_waveform_decoder(std::span<const std::uint8_t> file) {
  try {
    return load_checked(file);
  } catch (const std::exception& failure) {
    return refuse(failure.what());
  }
}

WaveformDecoderResult load_waveform_decoder(const std::filesystem::path& path) {
  try {
    const FileBytes file = read_file(path, kMaxFileBytes);
    return file.error.empty() ? load_checked(file.bytes) : refuse(file.error);
  } catch (const std::exception& failure) {
    return refuse(failure.what());
  }
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
    SerializedContainer file = serialize_container(tensors, {{"format", kFormat},
                                                             {"version", kVersion},
                                                             {"kind", kKind},
                                                             {"sample_rate_hz", number_text(weights.sample_rate_hz)},
                                                             {"latent_bound", number_text(weights.latent_bound)},
                                                             {"onset_samples", std::to_string(weights.onset_samples)},
                                                             {"provenance", weights.provenance},
                                                             {"config", weights.config},
                                                             {"self_test", make_test(weights)},
                                                             {"sha256", ""}});
    if (file.error.empty()) file.error = load_checked(file.bytes).error;
    if (!file.error.empty()) return {{}, file.error};
    return {std::move(file.bytes), {}};
  } catch (const std::exception& failure) {
    return {{}, failure.what()};
  }
}

}  // namespace diffverb::runtime
