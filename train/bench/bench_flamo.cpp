#include "train/bench/bench_flamo.h"

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/tensor.h"
#include "train/bench/bench_flamo_step.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"

namespace diffverb {
namespace {

constexpr int kTurns = 6, kOwnSteps = 5, kPeerSteps = 2;
/// How far the loss of FLAMO's own float32 may be from that of its float64, or it is not the same step.
constexpr double kPeerLossError = 0.2;

/// The same step in float32 and in float64.
struct Steps {
  std::unique_ptr<FlamoStep> timed, exact;
};

std::vector<double> numbers(const at::Tensor& tensor) {
  const auto flat = tensor.detach().to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

/// Writes what the peer starts from; returns the file.
std::string write_start(const FlamoStart& start, const std::filesystem::path& folder) {
  nlohmann::json out{{"delays", start.delays}};
  for (const auto& [name, tensor] : start.parameters) out["parameters"][name] = numbers(tensor);
  if (start.target.defined()) {
    const auto file = folder / "target.f32";
    write_file_atomically(file, start.target.const_data_ptr<float>(), sizeof(float) * start.target.numel());
    out["target"] = file.string();
  }
  const auto file = folder / "start.json";
  write_file_atomically(file, out.dump());
  return file.string();
}

nlohmann::json ask(PythonPeer& peer, const std::string& name, const std::string& order) {
  peer.write(order);
  auto answer = nlohmann::json::parse(peer.read().value_or(""), nullptr, false);
  if (!answer.is_object()) throw DataError("bench " + name + ": the Python peer has ended early, asked for " + order);
  return answer;
}

/// Loss and gradients of a first step, in float64.
std::vector<at::Tensor> first_step(FlamoStep& ours) {
  std::vector<at::Tensor> out{at::scalar_tensor(ours.run(), at::kDouble)};
  for (const auto& [name, tensor] : ours.gradients()) out.push_back(tensor.to(at::kDouble));
  return out;
}

std::vector<at::Tensor> first_step(const nlohmann::json& answer, const std::map<std::string, at::Tensor>& like) {
  std::vector<at::Tensor> out{at::scalar_tensor(answer.at("loss").get<double>(), at::kDouble)};
  for (const auto& [name, tensor] : like) {
    const auto values = answer.at("gradient").at(name).get<std::vector<double>>();
    out.push_back(at::tensor(values, at::kDouble).reshape(tensor.sizes()));
  }
  return out;
}

/// The first steps of both sides, each in both types, against the peer's in float64.
void compare_first_steps(const Steps& ours, const FlamoStart& start, PythonPeer& peer, BenchResult& result) {
  const auto exact = first_step(ask(peer, result.name, "exact"), start.parameters),
             theirs = first_step(ask(peer, result.name, "gradient"), start.parameters);
  require_equal(result.name + " in float64", first_step(*ours.exact), exact);
  const double error = largest_difference(first_step(*ours.timed), exact),
               peer_error = largest_difference(theirs, exact);
  require_equal(result.name + " (the peer's loss in float32)", {theirs[0]}, {exact[0]}, kPeerLossError);
  if (!(error <= std::max(1e-4, peer_error))) {
    throw NumericError("bench " + result.name + ": in float32 ours is " + std::to_string(error) +
                       " of the largest value away from float64, expected 1e-4 or at most the peer's " +
                       std::to_string(peer_error));
  }
  result.figures.emplace_back("error", error);
  result.figures.emplace_back("peer_error", peer_error);
}

void time_steps(FlamoStep& ours, PythonPeer* peer, BenchResult& result) {
  std::vector<double> own, other;
  ours.run();
  if (peer) ask(*peer, result.name, "1");
  for (int turn = 0; turn < kTurns; ++turn) {
    for (int i = 0; i < kOwnSteps; ++i) own.push_back(milliseconds([&] { ours.run(); }));
    if (!peer) continue;
    const auto times = ask(*peer, result.name, std::to_string(kPeerSteps)).at("ms").get<std::vector<double>>();
    other.insert(other.end(), times.begin(), times.end());
  }
  result.ours_ms = *std::min_element(own.begin(), own.end());  // what disturbs the machine only adds
  if (peer) result.peer_ms = *std::min_element(other.begin(), other.end());
}

void compare_memory(FlamoStep& ours, PythonPeer* peer, BenchResult& result) {
  if (const auto megabytes = peak_megabytes([&] { ours.run(); })) result.figures.emplace_back("ours_mb", *megabytes);
  if (!peer) return;
  const auto theirs = ask(*peer, result.name, "memory").at("mb");
  if (theirs.is_number()) result.figures.emplace_back("peer_mb", theirs.get<double>());
}

BenchResult bench_step(const std::string& example, const FlamoStart& start, const Steps& ours, bool with_memory) {
  BenchResult result;
  result.name = "flamo_" + example;
  result.size = "N=" + std::to_string(start.delays.size()) + " nfft=" + std::to_string(FlamoStart::kFftSize) + " f32";
  const BenchFolder folder;
  const int threads = bench_threads();
  PythonPeer peer(peer_script("flamo_steps"),
                  {example, "--threads", std::to_string(threads), "--start", write_start(start, folder.path())},
                  threads);
  const auto version = peer_version(peer, result.name, "flamo and auraloss");
  if (version) {
    result.peer = "FLAMO " + *version;
    compare_first_steps(ours, start, peer, result);
  }
  time_steps(*ours.timed, version ? &peer : nullptr, result);
  if (with_memory) compare_memory(*ours.timed, version ? &peer : nullptr, result);
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> flamo_colorless_benches() {
  std::vector<std::function<BenchResult()>> benches;
  for (const std::int64_t lines : {4, 6, 8, 16}) {
    benches.push_back([lines] {
      const auto start = FlamoStart::colorless(lines);
      return bench_step("colorless", start, {make_colorless_step(start), make_colorless_step(start, at::kDouble)},
                        false);
    });
  }
  return benches;
}

std::vector<std::function<BenchResult()>> flamo_e8_benches() {
  std::vector<std::function<BenchResult()>> benches;
  for (const std::int64_t lines : {6, 8}) {
    benches.push_back([lines] {
      const auto start = FlamoStart::e8(lines);
      return bench_step("e8", start, {make_e8_step(start), make_e8_step(start, at::kDouble)}, true);
    });
  }
  return benches;
}

}  // namespace diffverb
