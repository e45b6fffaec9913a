#include "train/bench/bench_gpu.h"

#include <ATen/Context.h>
#include <ATen/ops/rand.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/device/precision.h"
#include "core/error.h"
#include "core/tensor.h"
#include "losses/loss.h"
#include "models/model.h"
#include "train/bench/bench_gpu_parts.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"
#include "train/optimizer/flat_adam.h"
#include "train/optimizer/step_graph.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

constexpr double kRate = 1e-4;
constexpr int kTurns = 5, kStepsATurn = 20;

struct GpuCase {
  std::int64_t batch;
  Precision precision;
  bool graph;
  std::string peer_mode, called;
};

struct Steps {
  double ms = 0;  // a step
  std::vector<double> loss;
};

std::unique_ptr<Model> make_model() {
  Fields fields = Fields::from_text("type: spectral_autoencoder");
  auto model = family<Model>().make(fields);
  model->set_training(true);
  return model;
}

/// Before FlatParameters takes hold of them.
void move_to(const Model& model, at::Device device) {
  for (const auto& tensors : {model.parameters(), model.buffers()}) {
    for (auto [name, tensor] : tensors) tensor.set_data(tensor.detach().to(device));
  }
}

/// Our side, of the trainer's own parts.
class GpuStep {
 public:
  GpuStep(const GpuCase& what, at::Device device)
      : what_(what), device_(device), model_(make_model()), start_(start(what.batch)) {
    move_to(*model_, device);
    parameters_ = std::make_unique<FlatParameters>(*model_);
    adam_ = std::make_unique<FlatAdam>(*parameters_, AdamOptions{.decoupled = false});
    Fields loss = Fields::from_text("{type: mse, of: spectrogram}");
    loss_ = family<Loss>().make(loss);
    target_ = Response(16000);
    target_.set("spectrogram", start_.tensor("input").to(device));
    if (what.graph) graph_ = std::make_unique<StepGraph>([this](const Response& t) { return step(t); });
  }

  const Checkpoint& start() const { return start_; }

  Steps run(int count) {
    cuda_module()->synchronize();
    const auto from = std::chrono::steady_clock::now();
    std::vector<at::Tensor> losses;
    for (int i = 0; i < count; ++i) {
      adam_->set_rate(kRate);
      losses.push_back(graph_ ? graph_->run(target_) : step(target_));
    }
    cuda_module()->synchronize();
    Steps out;
    out.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count() / count;
    for (const auto& loss : losses) out.loss.push_back(loss.item<double>());
    return out;
  }

 private:
  Checkpoint start(std::int64_t batch) const {
    Checkpoint out;
    for (const auto& [name, tensor] : model_->parameters()) out.tensors["parameter." + name] = tensor.detach().clone();
    at::manual_seed(1);
    out.tensors["input"] = at::rand({batch, 1, 513, 128});
    return out;
  }

  at::Tensor step(const Response& target) {
    parameters_->zero_gradients();
    loss_->prepare(target);
    Response response;
    {
      const Autocast autocast(device_, what_.precision);
      response = model_->forward(target);
      response.set("spectrogram", response.get("spectrogram").to(at::kFloat));
    }
    const auto value = loss_->evaluate(response);
    value.backward();
    adam_->apply();
    return value.detach();
  }

  GpuCase what_;
  at::Device device_;
  std::unique_ptr<Model> model_;
  Checkpoint start_;
  std::unique_ptr<FlatParameters> parameters_;
  std::unique_ptr<FlatAdam> adam_;
  std::unique_ptr<Loss> loss_;
  Response target_;
  std::unique_ptr<StepGraph> graph_;
};

Steps ask(PythonPeer& peer, int count) {
  peer.write(std::to_string(count));
  const auto line = peer.read();
  const auto answer = nlohmann::json::parse(line.value_or(""), nullptr, false);
  if (!answer.is_object()) throw DataError("bench gpu: the Python peer ended in the middle of its steps");
  return {answer.at("ms").at(0).get<double>(), answer.at("loss").get<std::vector<double>>()};
}

void require_equal(const Steps& ours, const Steps& peer, Precision precision) {
  const double share = precision == Precision::kFp32 ? 1e-3 : 3e-2;
  if (std::abs(ours.loss[0] - peer.loss[0]) <= share * std::abs(peer.loss[0])) return;
  throw NumericError("bench gpu: the loss of the first step is " + std::to_string(ours.loss[0]) + ", the peer's " +
                     std::to_string(peer.loss[0]));
}

BenchResult bench_case(const GpuCase& what) {
  const at::Device device = choose_device("cuda");
  tune_device(device, what.precision);
  GpuStep ours(what, device);
  const BenchFolder folder;
  const auto file = folder.path() / "start.safetensors";
  save_checkpoint(file, ours.start());
  const int threads = bench_threads();
  PythonPeer peer(peer_script("autoencoder"),
                  {"--start", file.string(), "--mode", what.peer_mode, "--threads", std::to_string(threads)}, threads);
  const auto version = peer_version(peer, "gpu", "torch");
  BenchResult result;
  result.name = "gpu";
  result.size = "B=" + std::to_string(what.batch) + " 513x128 step " +
                (what.precision == Precision::kBf16 ? "bf16" : "f32") + (what.graph ? " graph" : " launches");
  result.examples = static_cast<int>(what.batch);
  const Steps first = ours.run(kStepsATurn);
  if (version) {
    result.peer = "PyTorch " + *version + what.called;
    require_equal(first, ask(peer, kStepsATurn), what.precision);
  }
  for (int turn = 0; turn < kTurns; ++turn) {
    const double ms = ours.run(kStepsATurn).ms;
    result.ours_ms = turn == 0 ? ms : std::min(result.ours_ms, ms);
    if (!version) continue;
    const double theirs = ask(peer, kStepsATurn).ms;
    result.peer_ms = turn == 0 ? theirs : std::min(*result.peer_ms, theirs);
  }
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> gpu_benches() {
  const std::string half = "cuda+bf16+channels_last";
  const std::vector<GpuCase> cases = {
      {8, Precision::kFp32, true, "cuda", " eager, f32"},
      {8, Precision::kBf16, true, half, " eager, bf16, channels_last"},
      {64, Precision::kFp32, true, "cuda", " eager, f32"},
      {64, Precision::kBf16, false, half, " eager, bf16, channels_last"},
      {64, Precision::kBf16, true, half, " eager, bf16, channels_last"},
      {64, Precision::kBf16, true, half + "+compile", " compiled (reduce-overhead), bf16, channels_last"}};
  const auto on_gpu_32 = [](const std::function<BenchResult(at::Device)>& bench) {
    return [bench] {
      const at::Device device = choose_device("cuda");
      tune_device(device, Precision::kFp32);
      return bench(device);
    };
  };
  std::vector<std::function<BenchResult()>> out = {
      on_gpu_32([](at::Device device) { return bench_gpu_frequency(device, 48000, 1); }),
      on_gpu_32([](at::Device device) { return bench_gpu_frequency(device, 48000, 256); }),
      on_gpu_32([](at::Device device) { return bench_gpu_time(device, 96000); }),
      on_gpu_32([](at::Device device) { return bench_gpu_fit(device, 2.5); })};
  for (const GpuCase& what : cases) out.push_back([what] { return bench_case(what); });
  return out;
}

}  // namespace diffverb
