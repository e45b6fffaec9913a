#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/bench_networks.h"
#include "runtime/live/sources.h"
#include "runtime/render.h"
#include "runtime/variation.h"
#include "runtime/variation/loop_measurement.h"
#include "runtime/variation/merged_filters.h"
#include "runtime/variation/network_response.h"
#include "tests/runtime/control_ends.h"
#include "tests/runtime/decay_measurement.h"
#include "tests/runtime/live.h"
#include "tests/runtime/played.h"

namespace diffverb::runtime::testing {
namespace {

/// In the manner of configs/reverbs/emt250.yaml: three delays with an allpass behind each in one loop of 118 ms, which a shelf
/// of two ways (a gain, and a low-pass beside it) and a low-pass close; taps in the delays are heard.
DelayNetworkWeights granular_loop() {
  bench::Flow flow(1);
  auto x = flow.allpass(flow.allpass(flow.input(0), 226, 0.6), 158, 0.6);
  const int first = flow.add(1262);
  auto y = flow.allpass(flow.line(first), 254, 0.55);
  const int second = flow.add(1486, {}, y);
  y = flow.allpass(flow.line(second), 382, -0.5);
  const int third = flow.add(1726, {}, y);
  y = flow.allpass(flow.line(third), 526, 0.45);
  const auto bass = flow.filtered(y, bench::one_pole(0.9615));
  const auto damped = flow.filtered(bench::Flow::sum({{0.6667, y}, {0.0466, bass}}), bench::one_pole(0.5108));
  flow.feed(first, bench::Flow::sum({{1, x}, {1, damped}}));
  const auto tap = [&](int line, double samples) { return flow.tap(line, samples); };
  return flow.network(
      {bench::Flow::sum(
          {{0.5, tap(first, 391)}, {-0.5, tap(second, 163)}, {0.5, tap(second, 1233)}, {-0.5, tap(third, 811)}})},
      48000);
}

std::shared_ptr<const Source> source_of(const DelayNetworkWeights& weights) {
  return make_network_source(model_of(weights), "network").source;
}

/// No cell may have a fault, and every octave's decay time be what is asked to a factor.
void expect_decay(const std::vector<Cell>& cells, double factor) {
  for (const Cell& cell : cells) {
    const std::string fault = cell.fault();
    EXPECT_TRUE(fault.empty() || fault == "decay time") << fault << ": " << cell.asked.text();
    for (std::size_t band = 0; band < kDecayBands_hz.size(); ++band) {
      const double error = cell.decay_error(band).value_or(1);
      EXPECT_LT(std::max(error, 1 / error), factor)
          << cell.asked.text() << " at " << cell.rate_hz << " Hz, octave " << kDecayBands_hz[band] << " Hz";
    }
  }
}

void expect_same(const DelayNetworkWeights& a, const DelayNetworkWeights& b) {
  for (double hz = 20; hz < 24000; hz *= 1.3) {
    const auto before = network_gain(a, hz)[0], after = network_gain(b, hz)[0];
    EXPECT_LT(std::abs(after - before), 1e-4 * (1 + std::abs(before))) << hz;
  }
}

TEST(MergedFilters, AreTheSameNetwork) {
  constexpr std::size_t kBass = 8;  // the line of the low-pass that bass comes through; its listener is the next
  const DelayNetworkWeights w = granular_loop(), merged = with_merged_filters(w);
  EXPECT_NE(w.A, merged.A);
  expect_same(w, merged);
  DelayNetworkWeights with_input = w;  // of the listener's own: stays beside the filter
  with_input.B[kBass + 1] = 0.1f;
  EXPECT_NE(with_merged_filters(with_input).A, with_input.A);
  expect_same(with_input, with_merged_filters(with_input));
  DelayNetworkWeights heard = w;  // elsewhere too
  heard.C[kBass] = 0.1f;
  EXPECT_EQ(with_merged_filters(heard).A, heard.A);
}

TEST(MergedFilters, ASumWithTwoSectionsHasTheirPolesAndItsOwnZeros) {
  const std::vector<Biquad> cascade{{0.929, -1.9286, 1, -1.9286, 0.929}, {0.001, 0.002, 0.001, -1.9, 0.906}};
  const std::vector<Biquad> sum = sum_with_direct(cascade, 0.49, 0.05);
  ASSERT_EQ(sum.size(), 2u);
  for (const double hz : {0.0, 30.0, 200.0, 500.0, 3000.0, 20000.0}) {
    const std::complex<double> step = std::polar(1.0, -2 * std::numbers::pi * hz / 48000);
    const auto gain = [step](const std::vector<Biquad>& sections) {
      std::complex<double> product = 1;
      for (const Biquad& f : sections)
        product *= (f.b0 + step * (f.b1 + step * f.b2)) / (1.0 + step * (f.a1 + step * f.a2));
      return product;
    };
    EXPECT_LT(std::abs(gain(sum) - (0.49 + 0.05 * gain(cascade))), 1e-9) << hz;
  }
}

TEST(LoopMeasurement, ReadsDecaysThatAreLongerThanItListens) {
  for (const double t60_s : {0.5, 4.0, 30.0}) {
    bench::Flow flow(1);
    const int line = flow.add(300);
    flow.feed(line,
              bench::Flow::sum({{1, flow.input(0)}, {std::pow(10, -3 * 300 / 48000.0 / t60_s), flow.line(line)}}));
    const auto found = measured_rates(flow.network({flow.line(line)}, 48000), {500, 4000});
    for (const double rate : found) EXPECT_NEAR(6.9078 / rate / t60_s, 1, 0.03) << t60_s;
  }
}

TEST(ControlEnds, ALoopWithAShelfOfTwoWaysIsPlayedAtAllOfThem) {
  std::vector<Asked> asked(1);
  for (const Control control : {Control::kDecay, Control::kSize, Control::kDamping}) {
    for (const double end : {info(control).lowest, info(control).highest}) asked.push_back({{{control, end}}});
  }
  for (const double decay : {0.1, 4.0}) asked.push_back({{{Control::kDecay, decay}, {Control::kDamping, -1}}});
  asked.push_back({{{Control::kDecay, 0.1}, {Control::kDamping, 1}}});
  expect_decay(cells_of("granular loop", source_of(granular_loop()), {48000}, asked), 1.35);
}

/// Noise that decays in 0.6 s, and 40 dB below it noise that decays in 2 s, as coupled rooms and slow instruments leave it.
TEST(VariationOfResponses, ASecondSlowerDecayDoesNotComeOutAsAHump) {
  Sound rows = noise(1, 2 * 48000, 3);
  const Sound second = noise(1, 2 * 48000, 4);
  for (std::size_t n = 0; n < rows[0].size(); ++n) {
    const double t = static_cast<double>(n) / 48000;
    rows[0][n] =
        static_cast<float>(rows[0][n] * std::pow(10, -3 * t / 0.6) + 0.01 * second[0][n] * std::pow(10, -3 * t / 2));
  }
  const auto before = spectrum_of(rows[0]);
  for (const double decay : {2.0, 4.0}) {
    const auto now = spectrum_of(vary_response(rows, 48000, 48000, {.decay = decay})[0]);
    for (const double hz : {500.0, 1000.0, 4000.0})
      EXPECT_NEAR(t60_of(now, 48000, hz, -30) / t60_of(before, 48000, hz, -30) / decay, 1, 0.2)
          << hz << " Hz, " << decay;
  }
}

/// What rounding leaves of an octave that is long silent must not be lifted with it.
TEST(VariationOfResponses, WhatIsSilentStaysSilentHoweverShortItsDecay) {
  Sound rows = noise(1, 2 * 48000, 5);
  for (std::size_t n = 0; n < rows[0].size(); ++n)
    rows[0][n] = static_cast<float>(rows[0][n] * std::pow(10, -3 * static_cast<double>(n) / 48000 / 0.03));
  const auto peak = [](const std::vector<float>& row) {
    float most = 0;
    for (const float x : row) most = std::max(most, std::abs(x));
    return most;
  };
  for (const Variation& variation : {Variation{.decay = 4}, Variation{.size = 0.5}, Variation{.damping = -1}})
    EXPECT_LT(peak(vary_response(rows, 48000, 48000, variation)[0]), 4 * peak(rows[0])) << variation.decay;
}

}  // namespace
}  // namespace diffverb::runtime::testing
