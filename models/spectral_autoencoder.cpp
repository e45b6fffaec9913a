#include "models/spectral_autoencoder.h"

#include <sstream>

#include "core/error.h"
#include "core/printed.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

void check_spectrogram(const at::Tensor& s) {
  if (s.dim() == 4 && s.size(0) > 0 && s.size(1) == 1 && s.size(2) == SpectralAutoencoder::kBins &&
      s.size(3) == SpectralAutoencoder::kFrames)
    return;
  std::ostringstream message;
  message << "spectral_autoencoder: the spectrogram must be [B, 1, 513, 128], B at least 1, got " << s.sizes();
  throw ContractError(message.str());
}

at::Tensor run(std::vector<ConvBlock>& blocks, at::Tensor values, bool training) {
  Activation x{std::move(values), {}, {}};
  for (ConvBlock& block : blocks) x = block.forward(x, training);
  return x.materialised();
}

/// All blocks' tensors: what(block, prefix) adds one's.
template <class What>
void for_each_block(const std::string& part, const std::vector<ConvBlock>& blocks, const What& what) {
  for (std::size_t i = 0; i < blocks.size(); ++i) what(blocks[i], part + "." + std::to_string(i + 1) + ".");
}

}  // namespace

SpectralAutoencoder::SpectralAutoencoder(Fields& f) {
  f.optional("latent", latent_, between(1, 1024));
  f.optional("encoder_filters", encoder_filters_, between(1, 4096));
  f.optional("decoder_filters", decoder_filters_, between(1, 4096));
  f.optional("leaky_slope", leaky_slope_, between(0, 1));
  f.optional("norm_momentum", momentum_, inside(0, 1));
  f.optional("norm_epsilon", epsilon_, above(0));
  f.optional("seed", seed_);
  f.optional("rate_hz", rate_hz_, above(0), "Hz");
  f.optional("keep_level", keep_level_);
  f.optional("inversion_span_db", inversion_span_db_, above(0), "dB");
  Fields features = f.map("features");
  features.optional("hop_size", features_.hop_size, between(1, 1024), "samples");
  features.optional("span_db", features_.span_db, above(0), "dB");
  features.optional("smallest_power", features_.smallest_power, at_least(0));
  std::string scale = features_.fixed_span ? "span" : "min_max", padding = "reflect";
  features.choice("scale", scale, {"min_max", "span"});
  features.choice("padding", padding, {"reflect", "zero"});
  features_.fixed_span = scale == "span";
  features_.padding = padding_of(padding);
  if (encoder_filters_.size() != 10) f.fail("encoder_filters", "ten numbers of filters are needed");
  if (decoder_filters_.size() != 10) f.fail("decoder_filters", "ten numbers of filters are needed");
  if (!f.is_recording()) build();
}

void SpectralAutoencoder::build() {
  struct Layer {
    std::int64_t kernel_f, kernel_t, stride_f, stride_t;
    bool valid;
  };
  constexpr Layer kEncoder[] = {{5, 5, 2, 2}, {4, 4, 2, 2}, {4, 4, 2, 2}, {4, 4, 2, 2}, {4, 4, 2, 2}, {4, 4, 2, 2},
                                {4, 4, 2, 2}, {4, 4, 2, 2}, {4, 4, 2, 1}, {1, 1, 2, 1}, {1, 1, 1, 1}};
  constexpr Layer kDecoder[] = {{1, 1, 1, 1}, {2, 2, 2, 2},       {2, 2, 2, 2}, {2, 2, 2, 2},
                                {2, 2, 2, 2}, {2, 2, 2, 2},       {2, 2, 2, 2}, {2, 2, 2, 2},
                                {2, 2, 2, 1}, {3, 1, 2, 1, true}, {1, 1, 1, 1}};
  const auto make = [&](const auto& layers, std::vector<std::int64_t> filters, std::int64_t first, std::int64_t last,
                        bool transposed) {
    filters.push_back(last);
    std::vector<ConvBlock> blocks;
    Random random(seed_, transposed ? "spectral_autoencoder.decoder" : "spectral_autoencoder.encoder");
    for (std::size_t i = 0; i < filters.size(); ++i) {
      const Layer& l = layers[i];
      const bool at_end = i + 1 == filters.size();
      ConvBlock::Options options;
      options.shape = {
          transposed, i == 0 ? first : filters[i - 1], filters[i], l.kernel_f, l.kernel_t, l.stride_f, l.stride_t,
          l.valid};
      options.slope = at_end ? 1 : leaky_slope_;
      options.norm = !(at_end && transposed);
      options.momentum = momentum_;
      options.epsilon = epsilon_;
      blocks.emplace_back(options, at::TensorOptions().dtype(at::kFloat));
      blocks.back().reset(random);
    }
    return blocks;
  };
  encoder_ = make(kEncoder, encoder_filters_, 1, latent_, false);
  decoder_ = make(kDecoder, decoder_filters_, latent_, 1, true);
}

std::map<std::string, at::Tensor> SpectralAutoencoder::parameters() const {
  std::map<std::string, at::Tensor> out;
  const auto add = [&](const ConvBlock& block, const std::string& prefix) { block.add_parameters(prefix, out); };
  for_each_block("encoder", encoder_, add);
  for_each_block("decoder", decoder_, add);
  return out;
}

std::map<std::string, at::Tensor> SpectralAutoencoder::buffers() const {
  std::map<std::string, at::Tensor> out;
  const auto add = [&](const ConvBlock& block, const std::string& prefix) { block.add_buffers(prefix, out); };
  for_each_block("encoder", encoder_, add);
  for_each_block("decoder", decoder_, add);
  return out;
}

void SpectralAutoencoder::add_features(Response& target) const {
  const auto& ir = target.ir();
  if (target.sample_rate_hz() != rate_hz_)
    throw ContractError("spectral_autoencoder: responses must be at its rate_hz, " + printed("%g", rate_hz_) +
                        " Hz, got " + printed("%g", target.sample_rate_hz()) + " Hz");
  if (ir.size(1) != 1)
    throw ContractError("spectral_autoencoder: each channel is an example of its own, [B, 1, T]; got " +
                        std::to_string(ir.size(1)) + " channels");
  const LogSpectrogram s = log_spectrogram(ir.squeeze(1), features_);
  target.set("spectrogram", s.values.unsqueeze(1));
  target.set("spectrogram_low_db", s.low_db);
  target.set("spectrogram_high_db", s.high_db);
}

at::Tensor SpectralAutoencoder::encode(const at::Tensor& spectrogram) {
  check_spectrogram(spectrogram);
  return run(encoder_, spectrogram.permute({0, 2, 3, 1}).contiguous(), training_).flatten(1);
}

at::Tensor SpectralAutoencoder::decode(const at::Tensor& latent) {
  if (latent.dim() != 2 || latent.size(0) == 0 || latent.size(1) != latent_) {
    std::ostringstream message;
    message << "spectral_autoencoder: a latent must be [B, " << latent_ << "], B at least 1, got " << latent.sizes();
    throw ContractError(message.str());
  }
  return run(decoder_, latent.view({latent.size(0), 1, 1, latent_}), training_).permute({0, 3, 1, 2});
}

Response SpectralAutoencoder::forward(const Response& target) {
  Response out(target.sample_rate_hz());
  const auto z = encode(target.get("spectrogram"));
  out.set("latent", z);
  out.set("spectrogram", decode(z));
  if (keep_level_ && target.has("spectrogram_high_db")) out.set("level_db", target.get("spectrogram_high_db"));
  return out;
}

DIFFVERB_PART(models, spectral_autoencoder, SpectralAutoencoder,
              "Convolutional autoencoder of log spectrograms, down to a few latent numbers", "Steinmetz 2018")

}  // namespace diffverb
