#include "runtime/stability.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "networks.h"
#include "runtime/spectral_norm.h"

namespace diffverb::runtime {
namespace {

using testing::network_of;

TEST(RuntimeStability, SpectralNormOfKnownMatrices) {
  EXPECT_NEAR(spectral_norm({3, 0, 0, 4}, 2), 4, 1e-12);
  EXPECT_NEAR(spectral_norm({1, 1, 0, 1}, 2), (1 + std::sqrt(5)) / 2, 1e-12);
  EXPECT_NEAR(spectral_norm({0, 0, 0, 0}, 2), 0, 1e-12);
}

/// Two reflections around a diagonal of singular values that go down from `largest`.
std::vector<double> matrix_of_norm(double largest, int n) {
  const auto size = static_cast<std::size_t>(n);
  std::vector<double> m(size * size, 0.0);
  for (std::size_t i = 0; i < size; ++i) m[i * size + i] = largest * (1 - 0.9 * static_cast<double>(i) / n);
  const auto reflect = [&](double phase, bool rows) {
    std::vector<double> v(size);
    double square = 0;
    for (std::size_t i = 0; i < size; ++i) {
      v[i] = std::sin(phase * static_cast<double>(i + 1));
      square += v[i] * v[i];
    }
    for (std::size_t k = 0; k < size; ++k) {
      const auto at = [&](std::size_t i) -> double& { return rows ? m[k * size + i] : m[i * size + k]; };
      double sum = 0;
      for (std::size_t i = 0; i < size; ++i) sum += v[i] * at(i);
      for (std::size_t i = 0; i < size; ++i) at(i) -= 2 * sum / square * v[i];
    }
  };
  reflect(1.3, true);
  reflect(2.1, false);
  return m;
}

TEST(RuntimeStability, SpectralNormOfMatricesMadeFromTheirSingularValues) {
  for (const int n : {1, 2, 3, 7, 40, 256}) {
    for (const double norm : {1e-3, 0.97, 400.0}) {
      const auto m = matrix_of_norm(norm, n);
      EXPECT_NEAR(spectral_norm(m, n) / norm, 1, 1e-12) << n << " lines";
      EXPECT_TRUE(norm_is_below(m, n, norm * (1 + 1e-9))) << n << " lines";
      EXPECT_FALSE(norm_is_below(m, n, norm * (1 - 1e-9))) << n << " lines";
    }
  }
}

TEST(RuntimeStability, BalancingFindsTheRotationBehindUnequalScales) {
  // T R T^-1 with R = 0.95 x a rotation: some T brings its norm back to 0.95.
  for (const double scale : {1.0, 10.0, 1e3}) {
    const std::vector<double> m{0.95 * 0.8, 0.95 * 0.6 * scale, -0.95 * 0.6 / scale, 0.95 * 0.8};
    EXPECT_NEAR(spectral_norm(balance(m, 2), 2), 0.95, 1e-6) << scale;
  }
}

TEST(RuntimeStability, PeakGainIsAnUpperBoundAndTight) {
  std::vector<double> sos;
  for (const double gain_db : {6.0, -3.0, 9.0, 2.0})
    testing::add_peak(sos, 40 + 900 * std::abs(gain_db), 8, gain_db, 48000);
  std::vector<Biquad> sections;
  for (std::size_t k = 0; k < sos.size(); k += 5)
    sections.push_back({sos[k], sos[k + 1], sos[k + 2], sos[k + 3], sos[k + 4]});
  double sampled = 0;
  for (int i = 0; i <= 200000; ++i) {
    const auto z = std::polar(1.0, -std::numbers::pi * i / 200000);
    std::complex<double> h = 1;
    for (const Biquad& f : sections) h *= (f.b0 + z * (f.b1 + z * f.b2)) / (1.0 + z * (f.a1 + z * f.a2));
    sampled = std::max(sampled, std::abs(h));
  }
  const double bound = peak_gain(sections.data(), 4);
  EXPECT_GE(bound, sampled * (1 - 1e-9));
  EXPECT_LE(bound, sampled * (1 + 1e-4));
}

TEST(RuntimeStability, TheLoopGainIsThatOfTheLoudestLoop) {
  DelayNetworkWeights w;
  w.lines = 3, w.inputs = w.outputs = w.line_sections = 1;
  w.sample_rate_hz = 48000;
  w.delays = {100, 150, 200};
  w.line_sos = {0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.9, 0, 0, 0, 0};
  w.A = {0, 1, 0, -1, 0, 0, 1, 0, 0.7f};  // a rotation, and a line alone that hears it
  EXPECT_NEAR(loop_gain_bound(w), 0.63, 1e-6);
  w.A[8] = 0;
  EXPECT_NEAR(loop_gain_bound(w), 0.5, 1e-6);
  w.A = {0, 1, 0, 0, 0, 0, 1, 0, 0};
  EXPECT_EQ(loop_gain_bound(w), 0) << "a chain";
  w.A = {0, 1, 0, -1, 0, 0, 0, 0, 0.7f};
  w.turning = {{.radius = 0.8}, {.radius = 0.7}};
  w.turn_left = w.turn_right = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  EXPECT_NEAR(loop_gain_bound(w), 0.7 * 0.9, 1e-6) << "norms of what signals pass, loop by loop";
}

TEST(RuntimeStability, AcceptsWhatIsStable) {
  EXPECT_EQ(check_stability(testing::random_network({16, 1, 2, 10, 25, 0, 200, 900}, 1)), "");
  // A float32 rotation whose norm lies a little over 1, with a broadband loss of 0.1 %.
  DelayNetworkWeights w = network_of({0.8f, 0.6f, -0.6f, 0.8f}, {101, 137});
  w.line_sections = 1;
  w.line_sos = {0.999, 0, 0, 0, 0, 0.999, 0, 0, 0, 0};
  EXPECT_EQ(check_stability(w), "");
  // A chain: nothing comes back, whatever the gains.
  EXPECT_EQ(check_stability(network_of({0, 0, 50, 0}, {10, 20})), "");
  // Two combs in series with a large gain between them: each is stable by itself.
  EXPECT_EQ(check_stability(network_of({0.9f, 0, 100, 0.9f}, {10, 20})), "");
  // Similar by T = diag(1, 10) to 0.95 x a rotation: its norm is far above 1.
  EXPECT_EQ(check_stability(network_of({0.95f * 0.8f, 9.5f * 0.6f, -0.095f * 0.6f, 0.95f * 0.8f}, {31, 47})), "");
  // Nested allpass (g = 0.7 around g = 0.5 with losses): line 2 stands in line 1's place.
  EXPECT_EQ(check_stability(network_of({0.7f * 0.5f, 0.7f * 0.75f, 1, -0.5f}, {30, 41})), "");
}

TEST(RuntimeStability, RefusesWhatIsNot) {
  EXPECT_NE(check_stability(network_of({1.001f}, {100})), "");
  EXPECT_NE(check_stability(network_of({1.0f}, {100})), "");  // rings for ever
  EXPECT_NE(check_stability(network_of({0.8f, 0.61f, -0.61f, 0.8f}, {101, 137})), "");
  DelayNetworkWeights w = testing::random_network({4, 1, 1, 1, 0, 0, 50, 90}, 2);
  testing::add_peak(w.line_sos, 1000, 2, 6, 48000);  // lifts one band of the last line over 1
  w.line_sos.erase(w.line_sos.begin() + 15, w.line_sos.begin() + 20);
  for (std::size_t i = 0; i < 16; ++i) w.A[i] = i % 5 == 0 ? 0.99f : 0.0f;
  EXPECT_NE(check_stability(w).find("not stable"), std::string::npos);
  DelayNetworkWeights pole = testing::random_network({2, 1, 1, 1, 1, 0, 50, 90}, 2);
  pole.output_sos[4] = 1.0;
  EXPECT_NE(check_stability(pole).find("output_sos: section 0 of output 0"), std::string::npos);
  pole = testing::random_network({2, 1, 1, 1, 1, 0, 50, 90}, 2);
  pole.line_sos[8] = 2.5;
  EXPECT_NE(check_stability(pole).find("line_sos: section 0 of line 1"), std::string::npos);
}

/// A full matrix of noise whose eigenvalues fill a disc of that radius: no proof reaches it.
DelayNetworkWeights noisy_network(int lines, double radius) {
  std::mt19937 generator(1);
  std::normal_distribution<double> normal(0, radius / std::sqrt(lines));
  std::vector<float> a;
  std::vector<std::int32_t> delays;
  for (int i = 0; i < lines * lines; ++i) a.push_back(static_cast<float>(normal(generator)));
  for (int j = 0; j < lines; ++j) delays.push_back(static_cast<std::int32_t>(500 + generator() % 2000));
  return network_of(std::move(a), std::move(delays));
}

TEST(RuntimeStability, DecidesAboutTheLargestNetworksInSeconds) {
  const auto begin = std::chrono::steady_clock::now();
  for (const double radius : {0.9, 1.1, 2.0})
    EXPECT_NE(check_stability(noisy_network(256, radius)).find("is not stable"), std::string::npos) << radius;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 30);  // one of them once took eighty
}

TEST(RuntimeStability, SaysWhereItCouldNotDecide) {
  const std::string reason = check_stability(noisy_network(256, 0.6));
  EXPECT_NE(reason.find("cannot be shown to be stable"), std::string::npos) << reason;
  EXPECT_NE(reason.find("falls by only"), std::string::npos) << reason;
}

}  // namespace
}  // namespace diffverb::runtime
