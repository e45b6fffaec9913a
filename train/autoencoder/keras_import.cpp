#include "train/autoencoder/keras_import.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

using Json = nlohmann::json;

struct Layer {
  std::string group, name;  // "model_weights/conv2d_1", "conv2d_1"
  std::int64_t number = 0;
};

/// One of the two files: its layers, found by kind.
class KerasFile {
 public:
  KerasFile(const std::filesystem::path& path, bool decoder)
      : file_(Hdf5File::open(path)), decoder_(decoder), root_(file_.has("model_weights") ? "model_weights/" : "") {
    for (const std::string& name : file_.names(root_.empty() ? "/" : "model_weights")) {
      if (is_kind(name, "input") || is_kind(name, "leaky_re_lu")) continue;
      if (is_kind(name, "conv2d") || is_kind(name, "conv2d_transpose"))
        (is_kind(name, "conv2d_transpose") == decoder ? convolutions_ : others_).push_back(layer(name));
      else if (is_kind(name, "batch_normalization"))
        norms_.push_back(layer(name));
      else
        refuse("layer '" + name + "' is none of conv2d, conv2d_transpose, batch_normalization, leaky_re_lu, input");
    }
    for (auto* layers : {&convolutions_, &norms_})
      std::sort(layers->begin(), layers->end(), [](const Layer& a, const Layer& b) { return a.number < b.number; });
    const std::string wanted = decoder ? "conv2d_transpose" : "conv2d";
    if (!others_.empty() || convolutions_.size() != 11)
      refuse("expected 11 layers " + wanted + " of " + part() + ", found " + std::to_string(convolutions_.size()) +
             (others_.empty()
                  ? ""
                  : "; there is '" + others_[0].name + "': is this the " + (decoder ? "encoder" : "decoder") + "?"));
    const std::size_t norms = decoder ? 10 : 11;
    if (norms_.size() != norms)
      refuse("expected " + std::to_string(norms) + " layers batch_normalization, found " +
             std::to_string(norms_.size()));
  }

  std::vector<std::size_t> kernel_shape(std::size_t i) const {
    const auto shape = file_.shape(tensor_name(convolutions_[i], "kernel:0"));
    if (shape.size() != 4) refuse("'" + tensor_name(convolutions_[i], "kernel:0") + "' has not four axes");
    return shape;
  }

  /// Copies each tensor of the model's part, checked.
  void copy_to(const SpectralAutoencoder& model) const {
    std::map<std::string, at::Tensor> tensors = model.parameters();
    tensors.merge(model.buffers());
    std::size_t copied = 0, expected = 0;
    for (const auto& [name, tensor] : tensors) expected += name.rfind(part() + ".", 0) == 0 ? 1 : 0;
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
      const std::string prefix = part() + "." + std::to_string(i + 1) + ".";
      copied += copy(convolutions_[i], "kernel:0", tensors.at(prefix + "kernel"));
      copied += copy(convolutions_[i], "bias:0", tensors.at(prefix + "bias"));
      if (i >= norms_.size()) continue;
      copied += copy(norms_[i], "gamma:0", tensors.at(prefix + "gamma"));
      copied += copy(norms_[i], "beta:0", tensors.at(prefix + "beta"));
      copied += copy(norms_[i], "moving_mean:0", tensors.at(prefix + "mean"));
      copied += copy(norms_[i], "moving_variance:0", tensors.at(prefix + "variance"));
    }
    if (copied != expected) throw ContractError("import_keras: " + part() + ": not all tensors were read");
  }

  /// Same shapes do not make the same network: strides and the constants of the layers must be right too.
  void check_config() const {
    if (!file_.has_attribute("/", "model_config")) return;  // save_weights writes none
    const Json config = Json::parse(file_.string_attribute("/", "model_config"), nullptr, false);
    if (!config.is_object()) refuse("attribute 'model_config' is not JSON");
    try {
      std::size_t convolution = 0;
      for (const Json& layer : config.at("config").at("layers")) {
        const std::string kind = layer.at("class_name"), name = layer.at("config").at("name");
        if (kind == "Conv2D" || kind == "Conv2DTranspose")
          check_convolution(name, layer.at("config"), convolution++);
        else if (kind == "LeakyReLU")
          check_number(name, layer.at("config"), "alpha", 0.1);
        else if (kind == "BatchNormalization") {
          check_number(name, layer.at("config"), "momentum", 0.99);
          check_number(name, layer.at("config"), "epsilon", 1e-3);
        }
      }
    } catch (const Json::exception& error) {
      refuse(std::string("attribute 'model_config' is not a Keras model: ") + error.what());
    }
  }

 private:
  static bool is_kind(const std::string& name, const std::string& kind) {
    const std::string rest = name.rfind(kind, 0) == 0 ? name.substr(kind.size()) : "?";
    return rest.empty() || (rest.size() > 1 && rest[0] == '_' && rest.find_first_not_of("0123456789", 1) == rest.npos &&
                            rest.size() < 10);
  }
  Layer layer(const std::string& name) const {
    const auto digits = name.find_last_not_of("0123456789") + 1;
    return {root_ + name, name, digits < name.size() ? std::stoll(name.substr(digits)) : 0};
  }
  std::string part() const { return decoder_ ? "decoder" : "encoder"; }
  [[noreturn]] void refuse(const std::string& why) const { throw DataError(file_.path().string() + ": " + why); }
  static std::string tensor_name(const Layer& layer, const std::string& what) {
    return layer.group + "/" + layer.name + "/" + what;
  }

  std::size_t copy(const Layer& layer, const std::string& what, const at::Tensor& to) const {
    const std::string name = tensor_name(layer, what);
    file_.check_shape(name, std::vector<std::size_t>(to.sizes().begin(), to.sizes().end()));
    const auto values = file_.read<float>(name);
    const auto tensor = at::from_blob(const_cast<float*>(values.data()), to.sizes(), at::kFloat);
    if (!tensor.isfinite().all().item<bool>()) refuse("data set '" + name + "' has an entry that is not a number");
    if (what == "moving_variance:0" && tensor.min().item<float>() < 0)
      refuse("data set '" + name + "' has a negative variance");
    const at::NoGradGuard no_grad;
    to.copy_(tensor);
    return 1;
  }

  void check_convolution(const std::string& name, const Json& config, std::size_t i) const {
    const std::vector<int> last = {1, 1}, tall = {2, 1}, both = {2, 2};
    const std::vector<std::vector<int>> encoder = {both, both, both, both, both, both, both, both, tall, tall, last};
    const std::vector<std::vector<int>> decoder = {last, both, both, both, both, both, both, both, tall, tall, last};
    if (i >= 11) refuse("attribute 'model_config' has more than 11 convolutions");
    const auto& strides = decoder_ ? decoder[i] : encoder[i];
    const std::string padding = decoder_ && i == 9 ? "valid" : "same";
    if (config.at("strides") != Json(strides) || config.at("padding") != padding)
      refuse("layer '" + name + "' has strides " + config.at("strides").dump() + " and padding " +
             config.at("padding").dump() + ", expected " + Json(strides).dump() + " and \"" + padding + "\"");
  }
  void check_number(const std::string& name, const Json& config, const char* key, double expected) const {
    const double value = config.at(key).get<double>();
    if (!(std::abs(value - expected) < 1e-6))
      refuse("layer '" + name + "' has " + key + " " + std::to_string(value) + ", expected " +
             std::to_string(expected));
  }

  Hdf5File file_;
  bool decoder_;
  std::string root_;
  std::vector<Layer> convolutions_, others_, norms_;
};

std::string list_text(const std::vector<std::size_t>& values) {
  std::string out = "[";
  for (std::size_t i = 0; i < values.size(); ++i) out += (i ? ", " : "") + std::to_string(values[i]);
  return out + "]";
}

}  // namespace

KerasImport import_keras(const std::filesystem::path& encoder_path, const std::filesystem::path& decoder_path) {
  const KerasFile encoder(encoder_path, false), decoder(decoder_path, true);
  encoder.check_config();
  decoder.check_config();
  std::vector<std::size_t> encoder_filters, decoder_filters;
  for (std::size_t i = 0; i < 10; ++i) {
    encoder_filters.push_back(encoder.kernel_shape(i)[3]);
    decoder_filters.push_back(decoder.kernel_shape(i)[2]);
  }
  const std::size_t latent = encoder.kernel_shape(10)[3], taken = decoder.kernel_shape(0)[3];
  if (latent != taken)
    throw DataError(decoder_path.string() + ": its latent has " + std::to_string(taken) + " numbers, that of " +
                    encoder_path.string() + " " + std::to_string(latent));
  KerasImport out;
  out.config = "type: spectral_autoencoder\nlatent: " + std::to_string(latent) +
               "\nencoder_filters: " + list_text(encoder_filters) + "\ndecoder_filters: " + list_text(decoder_filters) +
               "\nfeatures:\n  smallest_power: 1.0e-10\n  padding: reflect\n  scale: min_max\n";
  Fields fields = Fields::from_text(out.config, "the sizes in " + encoder_path.string());
  std::string type;
  fields.required("type", type);
  try {
    out.model = std::make_unique<SpectralAutoencoder>(fields);
  } catch (const ConfigError& error) {
    throw DataError(encoder_path.string() + ": no sizes of a spectral autoencoder: " + error.what());
  }
  encoder.copy_to(*out.model);
  decoder.copy_to(*out.model);
  return out;
}

}  // namespace diffverb
