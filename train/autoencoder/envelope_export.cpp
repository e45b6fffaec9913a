#include "train/autoencoder/envelope_export.h"

#include <ATen/ops/tensor.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "models/envelope/even_noise.h"
#include "models/envelope/layout.h"
#include "train/autoencoder/latent_export.h"

namespace diffverb {
namespace {

constexpr std::int64_t kNoiseSamples = 1 << 18;  // 5.5 s at 48 kHz
constexpr std::uint64_t kNoiseSeed = 1;

std::vector<float> to_vector(const at::Tensor& tensor) {
  const auto flat = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const float* data = flat.const_data_ptr<float>();
  return {data, data + flat.numel()};
}

/// The layers of "encoder" or "decoder" in order: in, block1.a, block1.b, ..., out.
std::vector<std::string> layer_names(const std::string& part, std::int64_t blocks) {
  std::vector<std::string> names{part + ".in"};
  for (std::int64_t i = 1; i <= blocks; ++i) {
    names.push_back(part + ".block" + std::to_string(i) + ".a");
    names.push_back(part + ".block" + std::to_string(i) + ".b");
  }
  names.push_back(part + ".out");
  return names;
}

std::vector<runtime::DenseWeights> layers_of(const EnvelopeAutoencoder& model, const std::string& part) {
  const auto parameters = model.parameters();
  std::vector<runtime::DenseWeights> out;
  for (const std::string& name : layer_names(part, model.blocks())) {
    const at::Tensor& weight = parameters.at(name + ".weight");
    out.push_back({static_cast<int>(weight.size(1)), static_cast<int>(weight.size(0)), to_vector(weight),
                   to_vector(parameters.at(name + ".bias"))});
  }
  return out;
}

void copy_layers(const std::vector<const runtime::DenseWeights*>& layers, const std::string& part,
                 const EnvelopeAutoencoder& model, const std::filesystem::path& path) {
  const at::NoGradGuard guard;
  const std::vector<std::string> names = layer_names(part, model.blocks());
  auto parameters = model.parameters();
  if (layers.size() != names.size())
    throw DataError(path.string() + ": has " + std::to_string(layers.size()) + " layers of the " + part +
                    ", its config asks for " + std::to_string(names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    at::Tensor weight = parameters.at(names[i] + ".weight"), bias = parameters.at(names[i] + ".bias");
    if (weight.size(0) != layers[i]->outputs || weight.size(1) != layers[i]->inputs)
      throw DataError(path.string() + ": layer '" + names[i] + "' is " + std::to_string(layers[i]->inputs) + " to " +
                      std::to_string(layers[i]->outputs) + ", its config asks for " + std::to_string(weight.size(1)) +
                      " to " + std::to_string(weight.size(0)));
    weight.copy_(at::tensor(layers[i]->weight).reshape(weight.sizes()));
    bias.copy_(at::tensor(layers[i]->bias));
  }
}

}  // namespace

runtime::EnvelopeDecoderWeights exported_weights(const EnvelopeAutoencoder& model, const std::string& config,
                                                 const std::map<std::string, std::string>& provenance) {
  runtime::EnvelopeDecoderWeights weights;
  weights.sample_rate_hz = kEnvelopeRateHz;
  weights.latent_bound = EnvelopeAutoencoder::kLatentBound;
  weights.centres_hz = envelope_layout().centres_hz;
  weights.knots_s = envelope_layout().knots_s;
  weights.encoder = layers_of(model, "encoder");
  std::vector<runtime::DenseWeights> decoder = layers_of(model, "decoder");
  weights.in = decoder.front();
  weights.out = decoder.back();
  for (std::size_t i = 1; i + 1 < decoder.size(); i += 2) {
    weights.a.push_back(decoder[i]);
    weights.b.push_back(decoder[i + 1]);
  }
  weights.noise_samples = kNoiseSamples;
  weights.noise = to_vector(even_noise(kNoiseSamples, kNoiseSeed));
  weights.provenance = nlohmann::json(provenance).dump();
  weights.config = config;
  return weights;
}

void export_envelope(const EnvelopeAutoencoder& model, const std::string& config,
                     const std::map<std::string, std::string>& provenance, const std::filesystem::path& path) {
  write_exported(path, runtime::serialize_envelope_decoder(exported_weights(model, config, provenance)));
}

std::unique_ptr<EnvelopeAutoencoder> model_of(const runtime::EnvelopeDecoderWeights& weights,
                                              const std::filesystem::path& path) {
  auto model = model_of_config<EnvelopeAutoencoder>(weights.config, "envelope_autoencoder", path);
  std::vector<const runtime::DenseWeights*> encoder, decoder{&weights.in};
  for (const runtime::DenseWeights& layer : weights.encoder) encoder.push_back(&layer);
  for (std::size_t i = 0; i < weights.a.size(); ++i) {
    decoder.push_back(&weights.a[i]);
    decoder.push_back(&weights.b[i]);
  }
  decoder.push_back(&weights.out);
  copy_layers(encoder, "encoder", *model, path);
  copy_layers(decoder, "decoder", *model, path);
  return model;
}

}  // namespace diffverb
