// What `diffverb bench` runs beside its peers: the same numbers without them.
#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_matrix_exp.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdlib>
#include <filesystem>
#include <numbers>
#include <set>

#include "core/device/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/filters/graphic_equaliser.h"
#include "core/tensor.h"
#include "tests/host_module.h"
#include "tests/losses/loss_fixture.h"
#include "train/bench/bench_engine.h"
#include "train/bench/bench_flamo_step.h"
#include "train/bench/bench_gpu_parts.h"
#include "train/bench/bench_precision.h"
#include "train/bench/bench_roofline.h"
#include "train/bench/engine_peers.h"
#include "train/bench/python_peer.h"

namespace diffverb {
namespace {

TEST(GpuBench, MeasuresWhatItSaysWithTheHostInTheGpusPlace) {
  HostModule module;
  const StandInForGpu gpu(module);
  const BenchResult frequency = bench_gpu_frequency(at::kCPU, 40, 2);
  EXPECT_EQ(frequency.size, "N=16 K=40 I=1 R=2 c64 graph");
  EXPECT_GT(*frequency.peer_ms, 0);
  ASSERT_EQ(frequency.figures[0].first, "over_bound");
  EXPECT_DOUBLE_EQ(frequency.figures[0].second, frequency.ours_ms / *frequency.peer_ms);
  EXPECT_GT(module.frequency_solves, 100);
  const BenchResult time = bench_gpu_time(at::kCPU, 3000);
  EXPECT_GT(time.ours_ms, 0);
  EXPECT_GT(module.time_solves, 100);
}

constexpr std::int64_t kBins = FlamoStart::kFftSize / 2 + 1;
const double kRadius = std::pow(10.0, FlamoStart::kAliasDecayDb / FlamoStart::kFftSize / 20);

at::Tensor omega() { return at::arange(kBins, at::kDouble) * (2 * std::numbers::pi / FlamoStart::kFftSize); }

/// C (I - E D A)^-1 D B bin by bin in float64, E the equalisers [K, N]: FLAMO's loop as it stands.
at::Tensor transfer_function(const std::map<std::string, at::Tensor>& p, const FlamoStart& start, const at::Tensor& a,
                             const at::Tensor& equalisers) {
  const auto delays = at::tensor(start.delays, at::kDouble);
  const auto angle = -omega().unsqueeze(1) * delays.unsqueeze(0);
  const auto d = at::polar(at::pow(1 / kRadius, delays).expand_as(angle), angle);  // [K, N]
  const auto complex = [](const at::Tensor& x) { return x.to(at::kComplexDouble); };
  const auto loop = complex(at::eye(a.size(0), at::kDouble)) - (equalisers * d).unsqueeze(2) * complex(a).unsqueeze(0);
  const auto x = at::linalg_solve(loop, d.unsqueeze(2) * complex(p.at("input_gain")).unsqueeze(0));
  return complex(p.at("output_gain")).unsqueeze(0).matmul(x).reshape({-1});
}

at::Tensor equaliser_responses(const at::Tensor& attenuation) {
  const auto sos = graphic_equaliser_sos(attenuation.t().sigmoid().log10() * 20,
                                         {62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000}, 1, 48000);
  const auto z1 = at::polar(at::full({kBins}, 1 / kRadius, at::kDouble), -omega()).reshape({1, 1, kBins});
  const auto c = [&](int i) { return sos.select(2, i).unsqueeze(2); };  // [N, S, 1]
  const auto response = (c(0) + c(1) * z1 + c(2) * z1 * z1) / (1 + c(3) * z1 + c(4) * z1 * z1);
  return response.prod(1).t();  // [K, N]
}

void expect_step(FlamoStep& ours, const FlamoStart& start, double tolerance,
                 const std::function<at::Tensor(std::map<std::string, at::Tensor>&)>& loss) {
  std::map<std::string, at::Tensor> p;
  std::vector<at::Tensor> leaves;
  for (const auto& [name, value] : start.parameters) {
    p[name] = value.to(at::kDouble).set_requires_grad(true);
    leaves.push_back(p[name]);
  }
  const auto expected = loss(p);
  const auto slopes = torch::autograd::grad({expected}, leaves);
  EXPECT_NEAR(ours.run(), expected.item<double>(), tolerance * expected.item<double>());
  std::size_t i = 0;
  for (const auto& [name, gradient] : ours.gradients()) {
    const double largest = slopes[i].abs().max().item<double>();
    EXPECT_LT((gradient - slopes[i++]).abs().max().item<double>(), tolerance * largest) << name;
  }
}

at::Tensor rotation(const at::Tensor& matrix) {
  const auto upper = matrix.triu(1);
  return at::linalg_matrix_exp(upper - upper.t());
}

at::Tensor sparsity(const at::Tensor& a) {
  Response response(48000);
  response.set("feedback_matrix", a);
  return make_loss("sparsity")->evaluate(response);
}

TEST(BenchFlamo, TheColorlessStepIsItsFormula) {
  const auto start = FlamoStart::colorless(4);
  const auto loss = [&](auto& p) {
    const auto a = rotation(p.at("matrix"));
    const auto h = transfer_function(p, start, a, at::ones({kBins, 4}, at::kComplexDouble));
    return (h.abs() - 1).square().mean() + 0.2 * sparsity(a);
  };
  expect_step(*make_colorless_step(start, at::kDouble), start, 1e-9, loss);
  expect_step(*make_colorless_step(start), start, 1e-4, loss);
}

TEST(BenchFlamo, TheE8StepIsItsFormula) {
  const auto start = FlamoStart::e8(6);
  const auto stft = make_loss("mr_stft",
                              "{fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, "
                              "240], padding: reflect, floor_power: 1e-8}");
  stft->prepare(Response(start.target.to(at::kDouble).reshape({1, 1, -1}), 48000));
  const auto loss = [&](auto& p) {
    const auto a = rotation(p.at("matrix"));
    const auto h = transfer_function(p, start, a, equaliser_responses(p.at("attenuation")));
    const auto ir =
        at::fft_irfft(h, FlamoStart::kFftSize) * at::pow(kRadius, at::arange(FlamoStart::kFftSize, at::kDouble));
    return stft->evaluate(Response(ir.reshape({1, 1, -1}), 48000)) + sparsity(a);
  };
  expect_step(*make_e8_step(start, at::kDouble), start, 1e-7, loss);
  // The logarithm's slope has no bound: where a bin is nearly silent it is made of float32's rounding.
  expect_step(*make_e8_step(start), start, 2e-3, loss);
}

TEST(BenchRoofline, CountsWhatASolveOfOneLineNeeds) {
  // I - A G: 2; no elimination; X and q: 6 each and 2 for C G; s and H: 10; dA: 4; dB and dC: 5.
  EXPECT_EQ(solver_operations(1), 2 + 6 + 6 - 4 + 4 + 6 + 4 + 5);
  EXPECT_NEAR(solver_operations(64) / (8.0 / 3 * 64 * 64 * 64), 1, 0.15);  // the elimination, for the most part
}

TEST(BenchPrecision, Float32LosesInFrequencyWhatALoopKeepsAndNothingMoreInTime) {
  // A loop that loses a share d each time round rings 1 / d times, and so does what float32 rounds away; bins of a grid
  // do not meet the narrowest peaks.
  constexpr double kRounding = 6e-8;
  for (const double distance : {1e-2, 1e-4, 1e-7}) {
    const auto e = solver_errors(distance);
    const double most = std::min(10 * kRounding / distance, 0.2);
    EXPECT_LT(e.response, most) << distance;
    EXPECT_LT(e.response_gradient, most) << distance;
    EXPECT_LT(e.damped, 100 * kRounding) << distance;
    EXPECT_LT(e.damped_gradient, 100 * kRounding) << distance;
    EXPECT_LT(e.output, 60 * kRounding) << distance;
    EXPECT_LT(e.output_gradient, 60 * kRounding) << distance;
  }
}

TEST(PeerFiles, AreTheFilesOfTheBenchmarks) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(DIFFVERB_SOURCE_DIR "/experiments/benchmarks/peers")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(peer_file(entry.path().filename().string()), read_file(entry.path())) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 8);
  EXPECT_EQ(peer_script("flamo_steps"), std::string(peer_file("flamo_steps.py")));
  EXPECT_THROW(peer_file("nobody.py"), ContractError);
}

TEST(BenchEngine, EveryRowPlaysAndSaysHowLongItTook) {
  std::set<std::string> sizes;
  for (const auto& row : engine_benches({.seconds = 0.3, .turns = 1, .block = 16, .with_peers = false})) {
    const BenchResult result = row();
    EXPECT_EQ(result.name, "engine");
    EXPECT_NE(result.size.find("0.3 s stereo 48 kHz, block 16"), std::string::npos) << result.size;
    EXPECT_GT(result.ours_ms, 0);
    EXPECT_EQ(result.peer, "");
    EXPECT_FALSE(result.peer_ms);
    ASSERT_EQ(result.figures.size(), 2u);
    EXPECT_EQ(result.figures[0].first, "real_time");
    EXPECT_NEAR(result.figures[0].second, 300 / result.ours_ms, 1e-6 * result.figures[0].second);
    EXPECT_EQ(result.figures[1].first, "worst_block_pct");
    EXPECT_GT(result.figures[1].second, 0);
    sizes.insert(result.size);
  }
  EXPECT_GE(sizes.size(), 9u);
}

TEST(BenchEngine, WithoutItsProgramsAPeerIsLeftOut) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  for (const auto& row : engine_benches({.seconds = 0.1, .turns = 1})) EXPECT_FALSE(row().peer_ms);
  setenv("PATH", path.c_str(), 1);
}

TEST(BenchEngine, APeerTakesTurnsAsTheHeaderSays) {
  EnginePeer peer("stand-in", {"sh", "-c", "echo 1.0; while read x; do echo 0.25 0.001; done"});
  ASSERT_TRUE(peer.plays());
  EXPECT_EQ(peer.name(), "stand-in (1.0)");
  for (int turn = 0; turn < 2; ++turn) {
    const PlayTime time = peer.play();
    EXPECT_DOUBLE_EQ(time.seconds, 0.25);
    EXPECT_DOUBLE_EQ(time.worst_block_s, 0.001);
  }
  EXPECT_FALSE(EnginePeer("nobody", {"sh", "-c", "exit 1"}).plays());
}

}  // namespace
}  // namespace diffverb
