#include "train/bench/bench_losses.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "core/seed.h"
#include "losses/loss.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"

namespace diffverb {
namespace {

constexpr std::int64_t kRows = 8, kSamples = 65536;
constexpr double kRateHz = 44100;
constexpr int kTurns = 7, kOwnRuns = 5;

struct LossBench {
  std::string name, yaml;
  std::string peer;          // what auraloss calls it; empty where it has none
  bool same_formula = true;  // then the results are compared
  bool all_masked = false;   // the estimate is the target and a bit of noise that it masks
};

/// auraloss's own frames and floor, so that formulas and work are the same.
const std::vector<LossBench> kBenches = {
    {"esr", "{}", "time.ESRLoss"},
    {"stft",
     "{fft_size: 1024, hop_size: 256, win_length: 1024, padding: reflect, floor_power: 1e-8, convergence_over: all}",
     "freq.STFTLoss"},
    {"mr_stft",
     "{fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, 240], padding: reflect, "
     "floor_power: 1e-8, convergence_over: all}",
     "freq.MultiResolutionSTFTLoss"},
    {"mel", "{fft_sizes: [1024], bands: 128, from_hz: 0, to_hz: 22050, padding: reflect}", "freq.MelSTFTLoss", false},
    {"masked", "{}", ""},
    {"masked", "{}", "", false, true}};

/// Noise that decays, a level of its own for each row.
at::Tensor responses(std::uint64_t seed) {
  Random random(seed, "bench losses");
  std::vector<float> values;
  for (std::int64_t row = 0; row < kRows; ++row) {
    const double t60_s = random.uniform(0.5, 2), level = random.uniform(0.2, 0.5);
    for (std::int64_t n = 0; n < kSamples; ++n) {
      const double envelope = std::pow(10.0, -3 * static_cast<double>(n) / (t60_s * kRateHz));
      values.push_back(static_cast<float>(level * envelope * random.normal()));
    }
  }
  return at::tensor(values).reshape({kRows, 1, kSamples});
}

std::string write_tensor(const at::Tensor& tensor, const std::filesystem::path& file) {
  write_file_atomically(file, tensor.const_data_ptr<float>(), sizeof(float) * static_cast<std::size_t>(tensor.numel()));
  return file.string();
}

/// Value and gradient, as a user's step asks for them.
class OwnLoss {
 public:
  OwnLoss(const LossBench& bench, const at::Tensor& target, const at::Tensor& estimate)
      : estimate_(estimate.clone().set_requires_grad(true)) {
    Fields fields = Fields::from_text(bench.yaml);
    loss_ = family<Loss>().make(bench.name, fields);
    loss_->prepare(Response(target, kRateHz));
  }
  std::vector<at::Tensor> run() const {
    const auto value = loss_->evaluate(Response(estimate_, kRateHz));
    return {value.detach(), torch::autograd::grad({value}, {estimate_})[0]};
  }

 private:
  at::Tensor estimate_;
  std::unique_ptr<Loss> loss_;
};

/// auraloss in a Python process, on the same files.
class Peer {
 public:
  Peer(const LossBench& bench, const at::Tensor& target, const at::Tensor& estimate)
      : gradient_file_((folder_.path() / "gradient").string()),
        python_(peer_script("auraloss_losses"),
                {bench.peer, "--target", write_tensor(target, folder_.path() / "target"), "--estimate",
                 write_tensor(estimate, folder_.path() / "estimate"), "--gradient", gradient_file_, "--threads",
                 std::to_string(bench_threads())},
                bench_threads()),
        version_(peer_version(python_, "losses", "auraloss and librosa")) {}

  const std::optional<std::string>& version() const { return version_; }
  double milliseconds() { return ask("go").at("ms").get<double>(); }
  std::vector<at::Tensor> result() {
    const double value = ask("keep").at("value").get<double>();
    std::string bytes = read_file(gradient_file_);
    if (bytes.size() != sizeof(float) * kRows * kSamples)
      throw DataError("bench losses: the peer's gradient has another length");
    return {at::scalar_tensor(value, at::kFloat),
            at::from_blob(bytes.data(), {kRows, 1, kSamples}, at::kFloat).clone()};
  }

 private:
  nlohmann::json ask(const std::string& order) {
    python_.write(order);
    auto answer = nlohmann::json::parse(python_.read().value_or(""), nullptr, false);
    if (!answer.is_object()) throw DataError("bench losses: the Python peer has ended early");
    return answer;
  }

  BenchFolder folder_;
  std::string gradient_file_;
  PythonPeer python_;
  std::optional<std::string> version_;
};

BenchResult bench_loss(const LossBench& bench) {
  const auto target = responses(1), other = responses(2);
  const auto estimate = bench.all_masked ? target + 1e-4 * other : other;
  const OwnLoss ours(bench, target, estimate);
  BenchResult result;
  result.name = "losses";
  result.size = bench.name + (bench.all_masked ? " (all masked)" : "") + " B=8 C=1 T=65536 f32";
  std::optional<Peer> peer;
  if (!bench.peer.empty()) peer.emplace(bench, target, estimate);
  if (peer && !peer->version()) peer.reset();
  if (peer) {
    result.peer = "auraloss " + *peer->version() + " " + bench.peer + (bench.same_formula ? "" : " (another formula)");
    const auto theirs = peer->result();
    if (bench.same_formula) require_equal("losses " + bench.name, ours.run(), theirs);
  }
  // In turns, and the least of each: what disturbs the machine only adds.
  double own = 1e300, other_ms = 1e300;
  for (int turn = 0; turn < kTurns; ++turn) {
    for (int i = 0; i < kOwnRuns; ++i) own = std::min(own, milliseconds([&] { ours.run(); }));
    if (peer) other_ms = std::min(other_ms, peer->milliseconds());
  }
  result.ours_ms = own;
  if (peer) result.peer_ms = other_ms;
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> losses_benches() {
  std::vector<std::function<BenchResult()>> benches;
  for (const LossBench& bench : kBenches) benches.push_back([&bench] { return bench_loss(bench); });
  return benches;
}

}  // namespace diffverb
