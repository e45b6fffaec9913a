#include "train/bench/bench_autoencoder.h"

#include <ATen/Context.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.h"
#include "core/seed.h"
#include "core/tensor.h"
#include "datasets/loader.h"
#include "datasets/response_store.h"
#include "losses/loss.h"
#include "models/model.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

constexpr std::int64_t kBatch = 8;
constexpr double kRate = 1e-4;
constexpr int kTurns = 6, kStepsATurn = 3;

struct Steps {
  std::vector<double> ms, loss;
};

/// A data file of decaying noise, read, changed and stacked as in a training.
class TrainingData {
 public:
  explicit TrainingData(const std::filesystem::path& file) {
    constexpr int kResponses = 64, kSamples = 32512;
    ResponseStoreWriter writer = ResponseStoreWriter::create(file);
    for (int i = 0; i < kResponses; ++i) {
      StoredResponse response;
      response.file = response.room = std::to_string(i);
      response.split = "train";
      response.rate_hz = kRateHz;
      Random random(static_cast<std::uint64_t>(i));
      std::vector<float> samples(kSamples);
      const double decay = kRateHz * (0.03 + 0.005 * i);
      for (int n = 0; n < kSamples; ++n)
        samples[static_cast<std::size_t>(n)] = static_cast<float>(random.normal() * std::exp(-n / decay));
      writer.add(response, samples);
    }
    writer.commit();
    Fields fields = Fields::from_text("{type: rirs, files: ['" + file.string() +
                                      "'], sample_rate_hz: " + std::to_string(static_cast<int>(kRateHz)) +
                                      ", samples: " + std::to_string(kSamples) +
                                      ", augmentation: {gain: {probability: 0.5}, decay: {probability: 0.5}}}");
    data_ = family<Dataset>().make(fields);
    data_->open();
    loader_ = std::make_unique<Loader>(*data_, LoaderSettings{});
  }

  at::Tensor next() { return loader_->next().ir; }
  double waited_ms() const { return 1e3 * loader_->waited_s(); }

  static constexpr double kRateHz = 16000;

 private:
  std::unique_ptr<Dataset> data_;
  std::unique_ptr<Loader> loader_;
};

/// Our side: the model and the loss as a config makes them.
class TrainingStep {
 public:
  TrainingStep() {
    Fields model = Fields::from_text("type: spectral_autoencoder"),
           loss = Fields::from_text("{type: mse, of: spectrogram}");
    model_ = family<Model>().make(model);
    loss_ = family<Loss>().make(loss);
    model_->set_training(true);
    at::manual_seed(1);
    target_ = Response(16000);
    target_.set("spectrogram", at::rand({kBatch, 1, 513, 128}));
    for (const auto& [name, parameter] : model_->parameters()) {
      parameters_.push_back(parameter);
      first_.push_back(at::zeros_like(parameter));
      second_.push_back(at::zeros_like(parameter));
      steps_.push_back(at::zeros({}));
    }
  }

  Checkpoint start() const {
    Checkpoint out;
    for (const auto& [name, tensor] : model_->parameters()) out.tensors["parameter." + name] = tensor.detach();
    out.tensors["input"] = target_.get("spectrogram");
    return out;
  }

  /// With `data` each step takes its own batch, else all take the first one.
  Steps run(int count, TrainingData* data = nullptr) {
    Steps out;
    for (int i = 0; i < count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      if (data) {
        target_ = Response(data->next(), TrainingData::kRateHz);
        model_->add_features(target_);
      }
      out.loss.push_back(step());
      out.ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    return out;
  }

 private:
  double step() {
    for (auto& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
    const auto value = (*loss_)(model_->forward(target_), target_);
    value.backward();
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    for (const auto& parameter : parameters_) gradients.push_back(parameter.grad());
    for (auto& count : steps_) count.add_(1);
    at::_fused_adam_(parameters_, gradients, first_, second_, {}, steps_, kRate, 0.9, 0.999, 0, 1e-8, false, false);
    return value.item<double>();
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Loss> loss_;
  Response target_;
  std::vector<at::Tensor> parameters_, first_, second_, steps_;
};

Steps ask(PythonPeer& peer, int count) {
  peer.write(std::to_string(count));
  const auto line = peer.read();
  const auto answer = nlohmann::json::parse(line.value_or(""), nullptr, false);
  if (!answer.is_object()) throw DataError("bench autoencoder: the Python peer ended in the middle of its steps");
  return {answer.at("ms").get<std::vector<double>>(), answer.at("loss").get<std::vector<double>>()};
}

/// The first step compares the forward pass, the second the gradients: more coarsely, as Adam's first steps move every
/// weight alike, however small its gradient, and rounding decides the direction of some.
void require_equal(const Steps& ours, const Steps& peer) {
  constexpr double kShare[2] = {1e-4, 1e-3};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!(std::abs(ours.loss[i] - peer.loss[i]) <= kShare[i] * std::abs(peer.loss[i])))
      throw NumericError("bench autoencoder: the loss of step " + std::to_string(i) + " is " +
                         std::to_string(ours.loss[i]) + ", the peer's " + std::to_string(peer.loss[i]) +
                         ", expected to agree to " + (i == 0 ? "1e-4" : "1e-3"));
  }
}

double fastest(const std::vector<double>& ms) { return *std::min_element(ms.begin(), ms.end()); }

BenchResult bench_step(const std::string& mode, const std::string& called) {
  TrainingStep ours;
  const BenchFolder folder;
  const auto start = folder.path() / "start.safetensors";
  save_checkpoint(start, ours.start());
  TrainingData data(folder.path() / "data.h5");
  const int threads = bench_threads();
  PythonPeer peer(peer_script("autoencoder"),
                  {"--start", start.string(), "--mode", mode, "--threads", std::to_string(threads)}, threads);
  const auto version = peer_version(peer, "autoencoder", "torch");
  BenchResult result;
  result.name = "autoencoder";
  result.examples = kBatch;
  Steps own = ours.run(kStepsATurn), other;
  if (version) {
    result.peer = "PyTorch " + *version + called;
    require_equal(own, ask(peer, kStepsATurn));  // and warms both up
  }
  own = {};
  for (int turn = 0; turn < kTurns; ++turn) {
    const Steps next = ours.run(kStepsATurn, &data);
    own.ms.insert(own.ms.end(), next.ms.begin(), next.ms.end());
    if (!version) continue;
    const Steps theirs = ask(peer, kStepsATurn);
    other.ms.insert(other.ms.end(), theirs.ms.begin(), theirs.ms.end());
  }
  const double all_ms = std::accumulate(own.ms.begin(), own.ms.end(), 0.0);
  char size[96];
  std::snprintf(size, sizeof size, "B=%d 513x128 training step f32, ours with data (wait %.1f %%)",
                static_cast<int>(kBatch), 100 * data.waited_ms() / all_ms);
  result.size = size;
  result.ours_ms = fastest(own.ms);
  if (version) result.peer_ms = fastest(other.ms);
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> autoencoder_benches() {
  return {[] { return bench_step("eager", " eager"); },
          [] { return bench_step("channels_last", " eager, channels_last"); },
          [] { return bench_step("compile", " torch.compile, channels_last"); }};
}

}  // namespace diffverb
