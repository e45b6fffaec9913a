#include "train/bench/bench_griffin_lim.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "core/printed.h"
#include "core/seed.h"
#include "core/spectral/griffin_lim.h"
#include "core/tensor.h"
#include "train/autoencoder/bank.h"
#include "train/bench/bench_timing.h"
#include "train/bench/python_peer.h"

namespace diffverb {
namespace {

constexpr std::int64_t kRows = 8, kBins = 513, kFrames = 128, kFft = 1024, kHop = 256, kPeerIterations = 1000;
constexpr std::int64_t kBankRows = 2000;

/// What a decoder draws: levels that fall over time, faster towards high frequencies, smooth texture of 2 dB, 80 dB
/// deep.
at::Tensor room_magnitudes(std::int64_t rows) {
  Random random(1, "bench griffin_lim");
  const auto frame = at::arange(kFrames, at::kFloat), bin = at::arange(kBins, at::kFloat).unsqueeze(1) / (kBins - 1);
  std::vector<at::Tensor> all;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double t60_s = random.uniform(0.3, 3), damping = random.uniform(0.5, 3), tilt_db = random.uniform(5, 25);
    std::vector<float> texture(16 * 16);
    for (float& value : texture) value = static_cast<float>(2 * random.normal());
    const auto smooth =
        at::upsample_bicubic2d(at::tensor(texture).reshape({1, 1, 16, 16}), {kBins, kFrames}, true)[0][0];
    const auto decay_db = frame * (60.0 * kHop / 16000 / t60_s) * (1 + damping * bin);
    const auto level_db = smooth - decay_db - tilt_db * bin;
    const auto below_db = (level_db - level_db.max()).clamp_min(-80);
    all.push_back((below_db * (std::log(10.0) / 20)).exp());
  }
  return at::stack(all).contiguous();
}

double mean_of(const at::Tensor& values) { return values.mean().item<double>(); }

double convergence_of(const at::Tensor& signal, const at::Tensor& m) {
  return mean_of(spectral_convergence(signal, m, kFft, kHop, Padding::kReflect));
}

struct Peer {
  double ms = 0;  // a response
  std::int64_t batch = 0;
  double convergence = 0;
};

std::optional<Peer> ask_peer(const at::Tensor& m, int threads) {
  const BenchFolder folder;
  const auto magnitudes = folder.path() / "magnitudes.f32", signals = folder.path() / "signals.f32";
  write_file_atomically(magnitudes, m.const_data_ptr<float>(), static_cast<std::size_t>(m.numel()) * sizeof(float));
  PythonPeer peer(
      peer_script("griffin_lim"),
      {"--magnitudes", magnitudes.string(), "--signals", signals.string(), "--rows", std::to_string(m.size(0)),
       "--iterations", std::to_string(kPeerIterations), "--threads", std::to_string(threads)},
      threads);
  if (!peer_version(peer, "griffin_lim", "torchaudio")) return std::nullopt;
  peer.write("go");
  const auto answer = nlohmann::json::parse(peer.read().value_or(""), nullptr, false);
  if (!answer.is_object()) throw DataError("bench griffin_lim: the Python peer has ended early");
  std::string bytes = read_file(signals);
  const std::int64_t samples = kHop * (kFrames - 1);
  if (bytes.size() != static_cast<std::size_t>(m.size(0) * samples) * sizeof(float))
    throw DataError("bench griffin_lim: the Python peer's signals have another length");
  const auto signal = at::from_blob(bytes.data(), {m.size(0), samples}, at::kFloat);
  return Peer{answer["ms"].get<double>(), answer["batch"].get<std::int64_t>(), convergence_of(signal, m)};
}

/// One run for all sizes of a number of threads: it takes a while.
struct Setting {
  at::Tensor magnitudes;
  std::optional<Peer> peer;
};
const Setting& setting(int threads) {
  static std::map<int, Setting> all;
  auto found = all.find(threads);
  if (found == all.end()) {
    const auto magnitudes = room_magnitudes(kRows);
    found = all.emplace(threads, Setting{magnitudes, ask_peer(magnitudes, threads)}).first;
  }
  return found->second;
}

/// As many threads while it lives.
class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// The least of `turns` runs, per response, and the convergence reached.
double least_ms(const at::Tensor& m, const GriffinLimOptions& options, int turns, double& convergence) {
  double least = 1e300;
  for (int i = 0; i < turns; ++i) {
    at::Tensor signal;
    least = std::min(least, milliseconds([&] { signal = griffin_lim(m, options).signal; }));
    if (i == 0) convergence = convergence_of(signal, m);
  }
  return least / static_cast<double>(m.size(0));
}

BenchResult result_of(const std::string& what, int threads, double ours_ms, double ours_convergence,
                      double worse_than_peer) {
  const auto& peer = setting(threads).peer;
  BenchResult result;
  result.name = "griffin_lim";
  result.size = what + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
                ", convergence=" + printed("%.4f", ours_convergence);
  result.ours_ms = ours_ms;
  if (!peer) return result;
  if (!(ours_convergence <= peer->convergence * worse_than_peer)) {
    throw NumericError("bench griffin_lim: spectral convergence " + printed("%.4f", ours_convergence) +
                       ", torchaudio reaches " + printed("%.4f", peer->convergence));
  }
  result.peer = "torchaudio.functional.griffinlim, 1000 iterations, batch " + std::to_string(peer->batch) +
                ", convergence=" + printed("%.4f", peer->convergence);
  result.peer_ms = peer->ms;
  return result;
}

/// The same iterations: another random start, so the convergence differs by its chance.
BenchResult bench_same(int threads) {
  const auto& m = setting(threads).magnitudes;
  const Threads guard(threads);
  GriffinLimOptions options;
  options.iterations = kPeerIterations;
  double convergence = 0;
  const double ms = least_ms(m, options, 2, convergence);
  return result_of("F=513 T=128 n=1000 each", threads, ms, convergence, 1.02);
}

BenchResult bench_to_equal_convergence(int threads) {
  const auto& m = setting(threads).magnitudes;
  const Threads guard(threads);
  GriffinLimOptions options = BankOptions().phases;
  options.iterations = 60;
  double convergence = 0;
  const double ms = least_ms(m, options, 5, convergence);
  return result_of("F=513 T=128 averaged n=" + std::to_string(options.iterations) + " each", threads, ms, convergence,
                   1);
}

/// As `diffverb export --bank` looks for its phases: nearer than the peer comes.
BenchResult bench_bank(int threads) {
  const auto& m = setting(threads).magnitudes;
  const Threads guard(threads);
  GriffinLimOptions options = BankOptions().phases;
  constexpr std::int64_t kBatch = 200;
  double ms = 0, convergence = 0;
  for (std::int64_t first = 0; first < kBankRows; first += kBatch) {
    const auto batch = m.repeat({(kBatch + kRows - 1) / kRows, 1, 1}).narrow(0, 0, kBatch).contiguous();
    options.first_row = first;
    double part = 0;
    ms += least_ms(batch, options, 1, part) * kBatch;
    convergence += part * kBatch / kBankRows;
  }
  BenchResult result =
      result_of("bank of 2000, F=513 T=128 n=" + std::to_string(options.iterations), threads, ms, convergence, 1);
  if (result.peer_ms) {
    result.peer_ms = *result.peer_ms * kBankRows;
    result.peer += ", 2000 times the mean of " + std::to_string(kRows);
  }
  return result;
}

}  // namespace

std::vector<std::function<BenchResult()>> griffin_lim_benches() {
  std::vector<std::function<BenchResult()>> benches;
  const int most = bench_threads();
  for (const int threads : most > 1 ? std::vector<int>{1, 2} : std::vector<int>{1}) {
    benches.push_back([threads] { return bench_same(threads); });
    benches.push_back([threads] { return bench_to_equal_convergence(threads); });
  }
  benches.push_back([most] { return bench_bank(std::min(most, 2)); });
  return benches;
}

}  // namespace diffverb
