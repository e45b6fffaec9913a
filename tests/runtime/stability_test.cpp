#include "runtime/stability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "networks.h"
#include "runtime/spectral_norm.h"

namespace diffverb::runtime {
namespace {

/// A network without filters from its matrix.
DelayNetworkWeights network_of(std::vector<float> a, std::vector<std::int32_t> delays) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.lines = static_cast<int>(delays.size());
  w.inputs = w.outputs = 1;
  w.A = std::move(a);
  w.delays = std::move(delays);
  w.B.assign(w.delays.size(), 1);
  w.C.assign(w.delays.size(), 1);
  w.D = {0};
  return w;
}

TEST(RuntimeStability, SpectralNormOfKnownMatrices) {
  EXPECT_NEAR(spectral_norm({3, 0, 0, 4}, 2), 4, 1e-12);
  EXPECT_NEAR(spectral_norm({1, 1, 0, 1}, 2), (1 + std::sqrt(5)) / 2, 1e-12);
  EXPECT_NEAR(spectral_norm({0, 0, 0, 0}, 2), 0, 1e-12);
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

}  // namespace
}  // namespace diffverb::runtime
