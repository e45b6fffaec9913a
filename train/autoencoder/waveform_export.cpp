#include "train/autoencoder/waveform_export.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/tensor.h"
#include "train/autoencoder/latent_export.h"

namespace diffverb {
namespace {

constexpr int kVoices = 2;
const std::string kEncoder = "encoder.", kDecoder = "decoder.";

runtime::WaveformTensor values_of(const at::Tensor& tensor) {
  const auto flat = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  runtime::WaveformTensor out;
  for (const std::int64_t extent : flat.sizes()) out.shape.push_back(static_cast<int>(extent));
  out.values.assign(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
  return out;
}

}  // namespace

runtime::WaveformDecoderWeights exported_weights(const WaveformAutoencoder& model, const std::string& config,
                                                 const std::map<std::string, std::string>& provenance) {
  runtime::WaveformDecoderWeights weights;
  weights.sample_rate_hz = kWaveRateHz;
  weights.latent_bound = WaveformAutoencoder::kLatentBound;
  weights.onset_samples = static_cast<int>(model.sizes().onset_samples);
  for (const auto& [name, tensor] : model.parameters()) {
    if (name.rfind(kDecoder, 0) == 0) weights.decoder[name.substr(kDecoder.size())] = values_of(tensor);
    if (name.rfind(kEncoder, 0) == 0) weights.encoder[name.substr(kEncoder.size())] = values_of(tensor);
  }
  std::vector<at::Tensor> voices;
  for (int voice = 0; voice < kVoices; ++voice) voices.push_back(model.played_noise(voice));
  weights.noise = values_of(at::cat(voices));
  weights.provenance = nlohmann::json(provenance).dump();
  weights.config = config;
  return weights;
}

void export_waveform(const WaveformAutoencoder& model, const std::string& config,
                     const std::map<std::string, std::string>& provenance, const std::filesystem::path& path) {
  write_exported(path, runtime::serialize_waveform_decoder(exported_weights(model, config, provenance)));
}

std::unique_ptr<WaveformAutoencoder> model_of(const runtime::WaveformDecoderWeights& weights,
                                              const std::filesystem::path& path) {
  auto model = model_of_config<WaveformAutoencoder>(weights.config, "waveform_autoencoder", path);
  const at::NoGradGuard guard;
  for (auto& [name, tensor] : model->parameters()) {
    const bool decodes = name.rfind(kDecoder, 0) == 0;
    const auto& part = decodes ? weights.decoder : weights.encoder;
    const auto found = part.find(name.substr((decodes ? kDecoder : kEncoder).size()));
    if (found == part.end()) throw DataError(path.string() + ": tensor '" + name + "' is missing");
    const std::vector<std::int64_t> shape(found->second.shape.begin(), found->second.shape.end());
    if (tensor.sizes() != at::IntArrayRef(shape))
      throw DataError(path.string() + ": tensor '" + name + "' has not the shape that its config asks for");
    at::Tensor to = tensor;
    to.copy_(at::tensor(found->second.values).reshape(shape));
  }
  if (weights.decoder.size() + weights.encoder.size() != model->parameters().size())
    throw DataError(path.string() + ": it has tensors that its config knows nothing of");
  return model;
}

}  // namespace diffverb
