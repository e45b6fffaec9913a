#include "runtime/variation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "runtime/bench_networks.h"
#include "runtime/render.h"
#include "runtime/terms/frame_term.h"
#include "runtime/terms/product_term.h"
#include "runtime/variation/network_response.h"
#include "tests/runtime/decay_measurement.h"
#include "tests/runtime/moving_networks.h"
#include "tests/runtime/networks.h"
#include "tests/runtime/played.h"

namespace diffverb::runtime::testing {
namespace {

/// 16 lines with a Householder matrix, ten cuts in each line in proportion to its delay: about 1.2 s at 500 Hz, less
/// above. An early part, a direct sound.
DelayNetworkWeights fitted_network(double rate_hz = 48000) {
  constexpr int kLines = 16;
  std::vector<float> a(kLines * kLines, -2.0f / kLines);
  std::vector<std::int32_t> delays;
  for (int j = 0; j < kLines; ++j) {
    a[static_cast<std::size_t>(j * kLines + j)] += 1;
    delays.push_back(static_cast<int>(std::lround((0.0103 + 0.0317 * std::pow(j / 15.0, 1.3)) * rate_hz)));
  }
  DelayNetworkWeights w = network_of(a, delays);
  w.sample_rate_hz = rate_hz, w.line_sections = 10;
  for (std::size_t j = 0; j < kLines; ++j) {
    const double db = 60 * w.delays[j] / rate_hz;  // of a decay time of 1 s
    for (int k = 0; k < 10; ++k) {
      add_peak(w.line_sos, 31.25 * std::pow(2, k), 1.4, -db * (0.25 + 0.06 * k), rate_hz);
      if (k > 0) continue;
      for (std::size_t b = w.line_sos.size() - 5; b < w.line_sos.size() - 2; ++b)
        w.line_sos[b] *= std::pow(10, -0.4 * db / 20);
    }
    w.C[j] = j % 3 == 1 ? -1.0f : 1.0f;
  }
  return w;
}

std::shared_ptr<const Model> varied(const std::shared_ptr<const Model>& model, double rate_hz,
                                    const Variation& variation = {}) {
  LoadResult result = vary_network(*model, rate_hz, variation);
  EXPECT_EQ(result.error, "") << rate_hz << " Hz";
  return result.model;
}

std::vector<std::complex<double>> spectrum_of_model(const std::shared_ptr<const Model>& model, double seconds) {
  return spectrum_of(render_impulse(model, seconds)[0]);
}

/// Relative errors of decay times over the octaves from `low_hz` on that both rates have. A single octave of a short
/// sound has few modes: it varies by some percent whatever is done.
struct DecayError {
  double mean = 0, worst = 0;
};
DecayError decay_error(const std::vector<std::complex<double>>& old, double old_hz,
                       const std::vector<std::complex<double>>& now, double now_hz, double factor, double low_hz) {
  DecayError error;
  int octaves = 0;
  for (double hz = low_hz; 1.5 * hz < 0.5 * std::min(old_hz, now_hz); hz *= 2, ++octaves) {
    const double before = t60_of(old, old_hz, hz), after = t60_of(now, now_hz, hz);
    EXPECT_GT(before, 0);
    EXPECT_GT(after, 0);
    error.mean += after / (before * factor) - 1;
    error.worst = std::max(error.worst, std::abs(after / (before * factor) - 1));
  }
  error.mean /= octaves;
  return error;
}

void expect_decay(const DecayError& error, double mean, double worst, double rate_hz) {
  EXPECT_LT(std::abs(error.mean), mean) << rate_hz << " Hz";
  EXPECT_LT(error.worst, worst) << rate_hz << " Hz";
}

/// The worst difference of third octaves below 0.4 of the lower rate.
double worst_level_db(const std::vector<std::complex<double>>& old, double old_hz,
                      const std::vector<std::complex<double>>& now, double now_hz) {
  double worst = 0;
  for (double hz = 200; 1.13 * hz < 0.4 * std::min(old_hz, now_hz); hz *= std::cbrt(2.0)) {
    const double low = hz / std::pow(2, 1.0 / 6), high = hz * std::pow(2, 1.0 / 6);
    worst = std::max(worst, std::abs(band_level_db(now, now_hz, low, high) - band_level_db(old, old_hz, low, high)));
  }
  return worst;
}

TEST(Variation, NeutralAtItsOwnRateIsTheSameBitForBit) {
  for (const DelayNetworkWeights& w : {fitted_network(), bench::freeverb(), random_network({}, 4)}) {
    const auto model = model_of(w);
    const auto same = varied(model, w.sample_rate_hz);
    EXPECT_EQ(serialize_weights(same->network).bytes, serialize_weights(model->network).bytes);
  }
}

TEST(Variation, KeepsDecayTimesAndLevelsAtAnyRate) {
  const std::pair<DelayNetworkWeights, double> cases[] = {
      {fitted_network(), 0.03}, {bench::dattorro(), 0.03}, {bench::freeverb(), 0.06}};
  for (const auto& [weights, tolerance] : cases) {
    const auto model = model_of(weights);
    const auto old = spectrum_of_model(model, 1.6);
    for (const double rate_hz : {8000.0, 16000.0, 44100.0, 88200.0, 96000.0, 192000.0, 384000.0}) {
      const auto at_rate = varied(model, rate_hz);
      ASSERT_NE(at_rate, nullptr);
      const auto now = spectrum_of_model(at_rate, rate_hz > 100000 ? 0.8 : 1.6);
      EXPECT_LT(worst_level_db(old, 48000, now, rate_hz), 1) << rate_hz;
      if (rate_hz > 48000) {
        EXPECT_LT(band_level_db(now, rate_hz, 24000, 0.5 * rate_hz) - band_level_db(now, rate_hz, 200, 15000), -60);
      }
      if (rate_hz > 100000) continue;  // too short to measure
      expect_decay(decay_error(old, 48000, now, rate_hz, 1, 250), 0.015, tolerance, rate_hz);
    }
  }
}

TEST(Variation, MakesDecayTimesLongerAndShorter) {
  const std::pair<DelayNetworkWeights, double> cases[] = {
      {fitted_network(), 0.06}, {bench::dattorro(), 0.11}, {bench::freeverb(), 0.06}};
  for (const auto& [weights, tolerance] : cases) {
    const auto model = model_of(weights);
    const auto old = spectrum_of_model(model, 1.8);
    for (const double decay : {0.5, 2.0}) {
      const auto now = spectrum_of_model(varied(model, 44100, {.decay = decay}), 1.8 * std::max(1.0, decay));
      expect_decay(decay_error(old, 48000, now, 44100, decay, 500), 0.04, tolerance, decay);
    }
  }
}

TEST(Variation, SizeMovesReflectionsAndKeepsDecayTimes) {
  const auto model = model_of(fitted_network());
  const auto old = spectrum_of_model(model, 1.8);
  for (const double size : {0.6, 1.7}) {
    const auto sized = varied(model, 48000, {.size = size});
    for (std::size_t j = 0; j < 16; ++j) EXPECT_NEAR(sized->network.delays[j], size * model->network.delays[j], 0.51);
    expect_decay(decay_error(old, 48000, spectrum_of_model(sized, 1.8), 48000, 1, 500), 0.03, 0.06, size);
  }
}

TEST(Variation, DampingChangesTheHighsAlone) {
  const auto model = model_of(fitted_network());
  const auto old = spectrum_of_model(model, 1.8);
  for (const double damping : {-0.5, 0.5}) {
    const auto now = spectrum_of_model(varied(model, 48000, {.damping = damping}), 2.5);
    for (const double hz : {125.0, 250.0}) EXPECT_NEAR(t60_of(now, 48000, hz) / t60_of(old, 48000, hz), 1, 0.05) << hz;
    for (const double hz : {4000.0, 8000.0})
      EXPECT_NEAR(t60_of(now, 48000, hz) / t60_of(old, 48000, hz), std::pow(4, -damping), 0.06 * std::pow(4, -damping));
  }
}

TEST(Variation, AnAllpassStaysAnAllpass) {
  bench::Flow flow(1);
  const auto outer = flow.allpass(flow.allpass(flow.input(0), 743, 0.6), 311, -0.5);
  const auto model = model_of(flow.network({outer}, 48000));
  ASSERT_TRUE(is_allpass(model->network));
  for (const double rate_hz : {8000.0, 44100.0, 48000.0}) {
    for (const Variation& variation : {Variation{}, Variation{.decay = 2, .size = 1.3, .damping = 0.5}})
      EXPECT_TRUE(is_allpass(varied(model, rate_hz, variation)->network)) << rate_hz;
  }
}

TEST(Variation, MotionKeepsItsTimeAndScalesWithTheKnob) {
  DelayNetworkWeights w = fitted_network();
  for (int j = 0; j < 16; j += 2) w.delay_motions.push_back({j, 9.0, 0.7 + 0.1 * j, 0.1 * j, 0.4});
  const auto model = model_of(w);
  const auto old = spectrum_of_model(model, 1.6);
  const auto twice = varied(model, 96000, {.modulation = 2});
  EXPECT_DOUBLE_EQ(twice->network.delay_motions[1].depth_samples, 36);
  EXPECT_DOUBLE_EQ(twice->network.delay_motions[1].rate_hz, 0.9);
  EXPECT_FALSE(varied(model, 96000, {.modulation = 0})->network.delay_motions[0].depth_samples != 0);
  for (const double rate_hz : {44100.0, 96000.0})
    expect_decay(decay_error(old, 48000, spectrum_of_model(varied(model, rate_hz), 1.6), rate_hz, 1, 500), 0.03, 0.05,
                 rate_hz);
}

TEST(Variation, ShortDelaysStayDelays) {
  DelayNetworkWeights w = network_of({0, 0.6f, 0.6f, 0}, {1, 5});
  const auto low = varied(model_of(w), 8000, {.size = 0.5});
  EXPECT_EQ(low->network.delays, (std::vector<std::int32_t>{1, 1}));
  w.delay_motions.push_back({1, 2.0, 1, 0, 0.25});
  EXPECT_EQ(varied(model_of(w), 8000)->network.delays[1], 4);  // 0.33 samples of motion, and 3 to read
}

TEST(Variation, EarlyAndLateChangePlacesInLevel) {
  DelayNetworkWeights w = fitted_network();
  const auto model = model_of(w);
  const auto old = render_impulse(model, 0.5)[0],
             now = render_impulse(varied(model, 48000, {.early_late_db = -9}), 0.5)[0];
  const double late = std::pow(10, -9 / 20.0);
  double worst = 0;
  for (std::size_t n = 0; n < old.size(); ++n) {
    const double gain = n < 64 * 48 ? 1 : n > 96 * 48 ? late : 0;
    if (gain > 0) worst = std::max(worst, std::abs(now[n] - gain * old[n]));
  }
  EXPECT_LT(worst, 1e-5);
}

TEST(Variation, ProductsPlayTheSameAtAnotherRate) {
  auto term = std::make_shared<ProductTerm>();
  term->groups = term->rank = 1, term->order = 2, term->samples = 40;
  for (int k = 0; k < 80; ++k)
    term->factors.push_back(static_cast<float>(std::exp(-0.2 * (k % 40)) * std::cos(0.3 * k)));
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000, w.inputs = w.outputs = 1, w.D = {0};
  w.terms.push_back(term);
  const auto model = model_of(w);
  const auto level = [](const std::shared_ptr<const Model>& played) {
    const double rate_hz = played->sample_rate_hz();
    std::vector<float> in(static_cast<std::size_t>(rate_hz / 4));
    for (std::size_t n = 0; n < in.size(); ++n)
      in[n] = static_cast<float>(std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(n) / rate_hz));
    const auto out = render(played, {in}, 0)[0];
    double re = 0, im = 0;  // of the second harmonic, in whole periods from 0.1 s on
    for (std::size_t n = in.size() / 5 * 2; n < in.size() / 5 * 4; ++n) {
      const double angle = 4000 * std::numbers::pi * static_cast<double>(n) / rate_hz;
      re += out[n] * std::cos(angle), im += out[n] * std::sin(angle);
    }
    return 20 * std::log10(std::hypot(re, im) / rate_hz);
  };
  for (const double rate_hz : {16000.0, 44100.0, 96000.0})
    EXPECT_NEAR(level(varied(model, rate_hz)), level(model), 0.1);
}

TEST(Variation, RefusesOnlyRatesAndTakesNumbersAtTheirLimits) {
  const auto model = model_of(fitted_network());
  for (const double rate_hz : {7999.0, 384001.0, 0.0, -1.0, std::nan("")})
    EXPECT_NE(vary_network(*model, rate_hz).error, "") << rate_hz;
  const auto most = varied(model, 48000, {.decay = 1e9, .size = -3, .damping = std::nan(""), .modulation = 99});
  EXPECT_EQ(serialize_weights(most->network).bytes,
            serialize_weights(varied(model, 48000, {.decay = 4, .size = 0.5, .modulation = 2})->network).bytes);
}

TEST(Variation, AnyStructureIsPlayedOrRefusedWithAReason) {
  int made = 0;
  for (unsigned seed = 1; seed <= 24; ++seed) {
    const auto model = model_of(random_structure(3 + static_cast<int>(seed) % 12, seed));
    const double rate_hz = 8000 * std::pow(48, (seed * 7 % 24) / 23.0);
    const Variation variation{.decay = seed % 3 == 0 ? 0.4 : 1.8, .size = seed % 2 == 0 ? 0.8 : 1.4, .damping = 0.2};
    const LoadResult result = vary_network(*model, std::min(rate_hz, 384000.0), variation);
    EXPECT_NE(result.model == nullptr, result.error.empty());
    made += result ? 1 : 0;
  }
  EXPECT_GE(made, 20);
}

/// What is convolved with and nothing else.
DelayNetworkWeights response_network(double rate_hz, int samples, int outputs = 1) {
  DelayNetworkWeights w;
  w.sample_rate_hz = rate_hz, w.inputs = 1, w.outputs = outputs, w.D.assign(static_cast<std::size_t>(outputs), 0.0f);
  w.early_samples = samples;
  for (const auto& row : noise(outputs, samples, 5)) w.early.insert(w.early.end(), row.begin(), row.end());
  for (std::size_t n = 0; n < w.early.size(); ++n)
    w.early[n] *=
        static_cast<float>(std::exp(-6.9 * static_cast<double>(n % static_cast<std::size_t>(samples)) / samples));
  return w;
}

TEST(Variation, TakesEveryControlAtItsEndsAtAnyRate) {
  const std::vector<Variation> ends{{.decay = 0.1},
                                    {.decay = 4},
                                    {.size = 0.5},
                                    {.size = 2},
                                    {.damping = -1},
                                    {.damping = 1},
                                    {.decay = 0.1, .size = 2, .damping = 1},
                                    {.decay = 4, .size = 0.5, .damping = -1},
                                    {.decay = 0.1, .size = 0.5, .damping = -1},
                                    {.decay = 4, .size = 2, .damping = 1}};
  const double rates_hz[] = {8000, 44100, 48000, 96000, 384000};
  std::size_t turn = 0;
  for (const DelayNetworkWeights& w : {fitted_network(), bench::dattorro(), bench::freeverb()}) {
    const auto model = model_of(w);
    for (std::size_t k = 0; k < ends.size(); ++k, ++turn) {
      // Every end at two rates, over all networks at all of them.
      for (const double rate_hz : {rates_hz[turn % 5], rates_hz[(turn + 2) % 5]})
        EXPECT_EQ(vary_network(*model, rate_hz, ends[k]).error, "")
            << rate_hz << " Hz, decay " << ends[k].decay << ", size " << ends[k].size << ", damping "
            << ends[k].damping;
    }
  }
}

TEST(Variation, TakesWhatAnyFileHoldsAtAnyRate) {
  const auto high = model_of(response_network(768000, 3000));
  for (const Variation& variation : {Variation{}, Variation{.decay = 2, .size = 2}})
    EXPECT_GT(varied(high, 48000, variation)->network.early_samples, 186);
  const auto long_one = varied(model_of(response_network(8000, 40000)), 384000);  // 1.9e6 samples, more than a file's
  EXPECT_EQ(long_one->network.early_samples, 1920000);
  DelayNetworkWeights w = response_network(48000, 10);
  auto term = std::make_shared<ProductTerm>();
  term->groups = term->rank = term->order = 1, term->samples = 9000;  // 72000, likewise
  term->factors.assign(9000, 1e-3f);
  w.terms.push_back(term);
  EXPECT_EQ(varied(model_of(w), 384000)->network.terms.size(), 1u);
}

TEST(Variation, RefusesToConvolveWithMoreThanMemoryIsFor) {
  const auto model = model_of(response_network(8000, 1 << 20, 2));
  EXPECT_EQ(vary_network(*model, 384000, {.size = 2}).error,
            "there are 201326592 samples to convolve with at this rate, expected at most 134217728");
}

/// Noise that decays by 60 dB in a time, behind 10 ms of silence, above a noise floor.
Channels decaying_noise(double t60_s, double seconds, double floor) {
  Channels rows = noise(2, static_cast<int>(seconds * 48000), 7);
  const Channels floors = noise(2, static_cast<int>(seconds * 48000), 8);
  for (std::size_t p = 0; p < rows.size(); ++p) {
    for (std::size_t n = 0; n < rows[p].size(); ++n) {
      const double t = static_cast<double>(n) / 48000 - 0.01;
      rows[p][n] = static_cast<float>((t < 0 ? 0 : rows[p][n] * std::exp(-6.9078 * t / t60_s)) + floor * floors[p][n]);
    }
  }
  return rows;
}

TEST(VariationOfResponses, ChangesDecayTimesByOctave) {
  const Channels rows = decaying_noise(0.8, 1.0, 1e-4);
  for (const auto& [variation, expected] : {std::pair{Variation{.decay = 0.5}, 0.4},
                                            {Variation{.decay = 2}, 1.6},
                                            {Variation{.size = 1.5}, 0.8},
                                            {Variation{.size = 0.7}, 0.8}}) {
    const Channels out = vary_response(rows, 48000, 44100, variation);
    ASSERT_EQ(out.size(), 2u);
    double mean = 0;
    for (const auto& row : out) {
      const auto spectrum = spectrum_of(row);
      for (double hz = 500; hz <= 8000; hz *= 2) {
        const double t60_s = t60_of(spectrum, 44100, hz);
        EXPECT_NEAR(t60_s / expected, 1, 0.15) << hz << " Hz, " << expected << " s";
        mean += t60_s / expected / 10;
      }
    }
    EXPECT_NEAR(mean, 1, 0.04) << expected << " s";
  }
  const auto damped = vary_response(rows, 48000, 48000, {.damping = 0.5});
  EXPECT_NEAR(t60_of(spectrum_of(damped[0]), 48000, 250), 0.8, 0.06);
  EXPECT_NEAR(t60_of(spectrum_of(damped[0]), 48000, 8000), 0.4, 0.04);
}

TEST(VariationOfResponses, OneObjectAnswersEveryVariationAsANewOneDoes) {
  const Channels rows = decaying_noise(0.3, 0.4, 1e-4);
  for (const double from_hz : {8000.0, 48000.0, 96000.0}) {
    const VariedResponses kept(rows, from_hz, 48000);
    ASSERT_EQ(kept.error(), "");
    for (int twice = 0; twice < 2; ++twice) {
      for (const Variation& variation :
           {Variation{.decay = 2}, Variation{}, Variation{.size = 1.5}, Variation{.decay = 0.5, .early_late_db = -6}})
        EXPECT_EQ(kept.at(variation), vary_response(rows, from_hz, 48000, variation));
    }
  }
}

TEST(VariationOfResponses, SaysWhatIsWrong) {
  const Channels row{{1, 0.5f}};
  EXPECT_EQ(VariedResponses(row, 999, 48000).error(), "the response's rate is 999.000000 Hz, expected 1000 to 1000000");
  EXPECT_EQ(VariedResponses(row, 48000, 7999).error(), "the rate is 7999.000000 Hz, expected 8000 to 384000");
  EXPECT_EQ(VariedResponses({}, 48000, 48000).error(), "the response holds no samples");
  EXPECT_EQ(VariedResponses({{}, {}}, 48000, 48000).error(), "the response holds no samples");
  EXPECT_EQ(VariedResponses({{1, 2}, {1}}, 48000, 48000).error(),
            "response 1 has 1 samples, expected 2 as the first has");
  EXPECT_TRUE(VariedResponses(row, std::nan(""), 48000).at({}).empty());
  for (const double from_hz : {1000.0, 768000.0, 1e6}) {
    EXPECT_EQ(VariedResponses(row, from_hz, 48000).error(), "");
    EXPECT_FALSE(vary_response(row, from_hz, 48000, {.decay = 2, .size = 2}).empty());
  }
}

TEST(VariationOfResponses, NeutralIsTheResponseItself) {
  const Channels rows = decaying_noise(0.4, 0.5, 0);
  EXPECT_EQ(vary_response(rows, 48000, 48000), rows);
  EXPECT_TRUE(vary_response(rows, 48000, 5).empty());
  EXPECT_TRUE(vary_response({{1, 2}, {1}}, 48000, 48000).empty());
  const auto late = vary_response(rows, 48000, 48000, {.early_late_db = 6});
  EXPECT_NEAR(late[0][9600] / rows[0][9600], std::pow(10, 0.3), 1e-3);
  EXPECT_EQ(late[0][1000], rows[0][1000]);
}

}  // namespace
}  // namespace diffverb::runtime::testing
