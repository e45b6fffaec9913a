#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/solvers/solvers.h"
#include "tests/core/matrices/matrix_fixture.h"
#include "tests/oracle/listings/listings.h"

namespace diffverb {
namespace {

constexpr std::size_t kLines = 6;
using Listed = listings::FeedbackDelayNetwork<kLines>;

Listed listed_network(const at::Tensor& a, const std::array<double, kLines>& delays) {
  Listed network;
  for (std::size_t i = 0; i < kLines; ++i) {
    for (std::size_t j = 0; j < kLines; ++j)
      network.matrix[i][j] = a[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)].item<double>();
    network.delayTimeSample[i] = delays[i];
  }
  return network;
}

at::Tensor impulse_of(Listed network, double feedback, std::int64_t samples) {
  auto out = at::empty({samples}, at::kDouble);
  for (std::int64_t n = 0; n < samples; ++n)
    out.mutable_data_ptr<double>()[n] = network.process(n == 0 ? 1 : 0, feedback);
  return out;
}

/// The same loop in our terms. The listing's double buffer hands every line's output back one sample later, so a line of
/// D samples comes round in D + 1; its output is taken before that, so the whole is heard one sample earlier than a
/// network of delays D + 1.
DelayNetwork our_network(const at::Tensor& a, const std::array<double, kLines>& delays, double feedback) {
  DelayNetwork network;
  network.a = a * feedback;
  network.b = at::full({static_cast<std::int64_t>(kLines), 1}, 1.0 / kLines, at::kDouble);
  network.c = at::ones({1, static_cast<std::int64_t>(kLines)}, at::kDouble);
  network.d = at::zeros({1, 1}, at::kDouble);
  network.delays = at::tensor(std::vector<double>(delays.begin(), delays.end()), at::kDouble) + 1;
  network.line_sos = at::zeros({static_cast<std::int64_t>(kLines), 0, 5}, at::kDouble);
  network.sample_rate_hz = 48000;
  return network;
}

/// Energy in a band of frequencies (shares of half the sample rate) of the 4096 samples from `from` on.
double band_energy(const at::Tensor& h, std::int64_t from, double low, double high) {
  constexpr std::int64_t kStretch = 4096;
  const auto window = at::hann_window(kStretch, h.options());  // or strong bands leak into those that are gone
  const auto power = at::fft_rfft(h.slice(0, from, from + kStretch) * window).abs().square();
  const auto bin = [&](double share) { return static_cast<std::int64_t>(share * kStretch / 2); };
  return power.slice(0, bin(low), bin(high)).sum().item<double>();
}

TEST(OracleListings, TheDelayNetworkSampleBySampleForWholeDelays) {
  const std::array<double, kLines> delays = {17, 23, 31, 40, 59, 61};
  for (const char* name : {"random_orthogonal", "householder", "conference", "absorbent_allpass", "triangular"}) {
    for (const double feedback : {0.0, 0.7, -0.9}) {
      const auto a = matrix_of(name, kLines, 2);
      const auto expected = impulse_of(listed_network(a, delays), feedback, 3000);
      EXPECT_EQ(expected.slice(0, 0, 17).abs().max().item<double>(), 0);  // the first echo comes after D, not D + 1
      const auto ours = impulse_response(our_network(a, delays, feedback), 3001).flatten();
      EXPECT_LT(relative_error(ours.slice(0, 1), expected), 1e-12) << name << " " << feedback;
    }
  }
}

TEST(OracleListings, ItsLinearInterpolationEatsHighFrequenciesAndOursKeepsThem) {
  const auto a = matrix_of("conference", kLines, 1);
  const std::array<double, kLines> whole = {17, 23, 31, 40, 59, 61}, between = {17.5, 23.4, 31.5, 40.6, 59.5, 61.3};
  constexpr std::int64_t kEarly = 500, kLate = 24000, kSamples = kLate + 5000;
  const auto kept = impulse_of(listed_network(a, whole), 1, kSamples);
  const auto eaten = impulse_of(listed_network(a, between), 1, kSamples);
  const auto ours = impulse_response(with_whole_delays(our_network(a, between, 1)), kSamples).flatten();
  const auto change_db = [](const at::Tensor& h, double low, double high) {
    return 10 * std::log10(band_energy(h, kLate, low, high) / band_energy(h, kEarly, low, high));
  };
  const auto lost_db = [&](double low, double high) {
    return 10 * std::log10(band_energy(eaten, kLate, low, high) / band_energy(kept, kLate, low, high));
  };
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{{0, 0.1}, {0.1, 0.5}, {0.5, 1}}) {
    EXPECT_NEAR(change_db(kept, low, high), 0, 1.5) << low;  // whole delays lose nothing,
    EXPECT_NEAR(change_db(ours, low, high), 0, 1.5) << low;  // and an allpass between samples neither
  }
  // Linear interpolation has |1 - f + f e^-jw| < 1: a low-pass that some 600 passes apply 600 times.
  EXPECT_GT(lost_db(0, 0.005), -6);
  EXPECT_LT(lost_db(0.1, 0.2), -60);
  EXPECT_LT(lost_db(0.5, 1), -150);
}

}  // namespace
}  // namespace diffverb
