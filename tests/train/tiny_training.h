#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/collective.h"
#include "core/error.h"
#include "core/fields.h"
#include "core/log.h"
#include "core/seed.h"
#include "core/tensor.h"
#include "datasets/dataset.h"
#include "models/model.h"
#include "tests/scratch.h"
#include "train/training/training_run.h"

namespace diffverb {

/// Decaying noise in memory, 64 samples an example unless told; key `nan_at` puts a NaN into that training example,
/// `throw_at` makes it one that cannot be read.
class TinyData final : public Dataset {
 public:
  explicit TinyData(Fields& f) {
    std::string type = "tiny";
    f.optional("type", type);
    f.optional("nan_at", nan_at_);
    f.optional("throw_at", throw_at_);
    f.optional("train", train_);
    f.optional("validation", validation_);
    f.optional("samples", samples_);
  }
  void open() override {}
  double sample_rate_hz() const override { return 8000; }
  std::int64_t samples() const override { return samples_; }
  std::int64_t size(Split split) const override {
    return split == Split::kTrain ? train_ : split == Split::kValidation ? validation_ : 0;
  }
  at::Tensor example(Split split, std::int64_t index, std::uint64_t seed) const override {
    if (split == Split::kTrain && index == throw_at_) throw DataError(describe(split, index) + ": silent");
    Random random(static_cast<std::uint64_t>(index + 1000 * static_cast<int>(split)));
    at::Tensor out = at::zeros({1, samples_});
    const double decay = (4 + static_cast<double>(index % 7)) * static_cast<double>(samples_) / 64;
    const double gain = seed == 0 ? 1 : 1 + 1e-3 * static_cast<double>(seed % 100);
    auto* to = out.data_ptr<float>();
    for (std::int64_t n = 0; n < samples_; ++n)
      to[n] = static_cast<float>(gain * random.normal() * std::exp(-static_cast<double>(n) / decay));
    if (split == Split::kTrain && index == nan_at_) out[0][5] = std::numeric_limits<float>::quiet_NaN();
    return out;
  }
  std::string describe(Split, std::int64_t index) const override { return "tiny response " + std::to_string(index); }
  std::map<std::string, std::int64_t> licences(Split split) const override { return {{"CC0-1.0", size(split)}}; }

 private:
  std::int64_t nan_at_ = -1, throw_at_ = -1, train_ = 24, validation_ = 6, samples_ = 64;
};

/// 64 -> 8 -> 64 with a batch norm over all ranks, noise on the latent, and running statistics.
class TinyModel final : public Model {
 public:
  explicit TinyModel(Fields& f) {
    std::string type = "tiny";
    f.optional("type", type);
    f.optional("noise", noise_);
    f.optional("width", width_);
    f.optional("nan_loss_above", nan_above_);
    Random random(7);
    const auto matrix = [&](std::int64_t rows, std::int64_t columns) {
      at::Tensor out = at::empty({rows, columns});
      for (std::int64_t i = 0; i < out.numel(); ++i)
        out.view(-1)[i] = random.normal() / std::sqrt(static_cast<double>(columns));
      return out.requires_grad_();
    };
    in_ = matrix(width_, 64);
    out_ = matrix(64, width_);
    bias_ = at::zeros({width_}).requires_grad_();
    mean_ = at::zeros({width_});
    variance_ = at::ones({width_});
  }
  std::map<std::string, at::Tensor> parameters() const override {
    return {{"in", in_}, {"out", out_}, {"bias", bias_}};
  }
  std::map<std::string, at::Tensor> buffers() const override { return {{"mean", mean_}, {"variance", variance_}}; }
  void set_training(bool training) override { training_ = training; }
  void set_seed(std::uint64_t seed) override { seed_ = seed; }
  Response forward(const Response& target) override {
    const at::Tensor x = target.ir().squeeze(1);
    at::Tensor h = at::tanh(at::mm(x, in_.t()) + bias_);
    at::Tensor mean = mean_, variance = variance_;
    if (training_) {
      const double count = static_cast<double>(h.size(0)) * collective().size();
      mean = all_reduce_sum(h.sum(0)) / count;
      variance = all_reduce_sum((h - mean).square().sum(0)) / count;
      const at::NoGradGuard no_grad;
      mean_.mul_(0.9).add_(mean.detach(), 0.1);
      variance_.mul_(0.9).add_(variance.detach(), 0.1);
    }
    h = (h - mean) / (variance + 1e-3).sqrt();
    if (training_ && noise_ > 0) {
      Random random(seed_);
      at::Tensor draw = at::empty_like(h);
      for (std::int64_t i = 0; i < draw.numel(); ++i) draw.view(-1).data_ptr<float>()[i] = random.normal();
      h = h + noise_ * draw;
    }
    at::Tensor y = at::mm(h, out_.t());
    if (nan_above_ > 0) y = at::where(x.abs().amax(1, true) > nan_above_, at::full_like(y, std::nan("")), y);
    return Response(y.unsqueeze(1), target.sample_rate_hz());
  }

 private:
  double noise_ = 0, nan_above_ = 0;
  std::int64_t width_ = 8;
  bool training_ = false;
  std::uint64_t seed_ = 0;
  at::Tensor in_, out_, bias_, mean_, variance_;
};

inline TrainOptions tiny_options() {
  TrainOptions options;
  options.make_model = [](Fields& f) -> std::unique_ptr<Model> {
    std::string type = "tiny";
    f.optional("type", type);
    if (type == "tiny") return std::make_unique<TinyModel>(f);
    return family<Model>().make(f);
  };
  options.make_data = [](Fields& f) { return std::make_unique<TinyData>(f); };
  return options;
}

/// The published network with few filters, on spectrograms of the tiny data.
inline std::vector<std::string> spectral_overlays() {
  return {"model.type=spectral_autoencoder",
          "model.encoder_filters=[4,4,4,6,6,6,8,8,8,16]",
          "model.decoder_filters=[16,8,8,8,6,6,6,4,4,4]",
          "model.rate_hz=8000",
          "model.features={hop_size: 16}",
          "data.samples=2048",
          "losses=[{type: mse, of: spectrogram}]"};
}

/// 3 steps an epoch, 12 epochs.
inline const char* tiny_config() {
  return R"(
seed: 3
threads: 1
data: {type: tiny}
model: {type: tiny}
losses:
  - type: mse
train:
  batch_size: 8
  epochs: 12
  rate: 0.01
  warmup_steps: 3
  ema_decay: 0.9
  clip_norm: 5
  weight_decay: 0.01
  checkpoint_every_steps: 2
)";
}

using Overlays = std::vector<std::string>;

/// One tiny run in this process, and quiet.
inline TrainOutcome train(const Scratch& scratch, const std::string& name, const Overlays& overlays = {},
                          bool resume = false) {
  write_text(scratch / "tiny.yaml", tiny_config());
  TrainOptions options = tiny_options();
  if (!resume) options.config = scratch / "tiny.yaml";
  options.out = scratch / name;
  options.resume = resume;
  options.overlays = overlays;
  log().set_level(LogLevel::kError);
  const TrainOutcome outcome = train_model(options);
  log().close_file();
  log().set_level(LogLevel::kInfo);
  return outcome;
}

}  // namespace diffverb
