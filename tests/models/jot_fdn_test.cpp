#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "models/line_decay.h"
#include "models/primes.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

constexpr double kPi = std::numbers::pi;

/// |H| of sections [S, 5] at a frequency.
double gain_at(const at::Tensor& sos, double hz, double rate) {
  const auto z = std::polar(1.0, -2 * kPi * hz / rate);
  std::complex<double> h = 1;
  for (std::int64_t s = 0; s < sos.size(0); ++s) {
    const auto q = [&](int i) { return sos[s][i].item<double>(); };
    h *= (q(0) + z * (q(1) + z * q(2))) / (1.0 + z * (q(3) + z * q(4)));
  }
  return std::abs(h);
}

TEST(JotFdn, ItsLinesLoseWhatTheyAreToLoseAtBothFrequencies) {
  for (const double hz : {4000.0, 24000.0, 90000.0}) {
    const std::string yaml = "{decay_s: 3, t60_high_s: 0.7, tone_correction: false, high_hz: " + std::to_string(hz) +
                             ", filter: {kind: dense, stages: 2}}";
    const auto reverb = make_reverb("jot_fdn", yaml);
    const auto network = reverb->build(48000);
    EXPECT_EQ(network.lines(), 8 + 2 * 7);
    for (std::int64_t j = 0; j < network.lines(); ++j) {
      const double samples = network.delays[j].item<double>();
      EXPECT_NEAR(gain_at(network.line_sos[j], 0, 48000), std::pow(10, -3 * samples / (48000 * 3.0)), 1e-9) << j;
      EXPECT_NEAR(gain_at(network.line_sos[j], std::min(hz, 24000.0), 48000),
                  std::pow(10, -3 * samples / (48000 * 0.7)), 1e-6)
          << j << " at " << hz;
    }
  }
}

TEST(JotFdn, DecaysInTheTimeItIsGiven) {
  for (const std::string more :
       {"filter: {kind: none}", "filter: {kind: velvet, stages: 2}", "feedback_matrix: {type: householder}",
        "feedback_matrix: {type: circulant}, lines: 9"}) {
    const std::string both = ", sample_rate_hz: 16000, outputs: 1, lines: 12, ";
    const std::string yaml = more.find("lines") == std::string::npos ? both + more : ", sample_rate_hz: 16000, " + more;
    const auto flat = make_reverb("jot_fdn", "{decay_s: 1.1, t60_high_s: 1.1" + yaml + "}");
    EXPECT_NEAR(decay_time_of(flat->network(16000), 1.6), 1.1, 0.02 * 1.1) << more;
    const auto asked = make_reverb("jot_fdn", "{t60_s: 1.4, t60_high_s: 0.8" + yaml + "}");
    EXPECT_NEAR(decay_time_of(asked->network(16000), 1.82), 1.4, 0.02 * 1.4) << more;
  }
}

/// Energy between two frequencies, dB.
double band_db(const at::Tensor& response, double from_hz, double to_hz) {
  const auto power = at::fft_rfft(response.reshape({-1})).abs().square();
  const double bin = 24000.0 / static_cast<double>(power.size(0) - 1);
  return 10 * std::log10(power.slice(0, std::lround(from_hz / bin), std::lround(to_hz / bin)).mean().item<double>());
}

TEST(JotFdn, ToneCorrectionMakesUpForWhatDecaysFaster) {
  const auto tilt = [](const std::string& correction) {
    const auto h = reverb_response("jot_fdn", 48000, 1 << 18,
                                   "{decay_s: 8, t60_high_s: 2, lines: 24, delays_ms: [10, 30], outputs: 1, "
                                   "tone_correction: " +
                                       correction + "}");
    return band_db(h, 7600, 8400) - band_db(h, 20, 700);
  };
  EXPECT_NEAR(tilt("false"), 10 * std::log10(2.0 / 8), 1.0);
  EXPECT_NEAR(tilt("true"), 0, 1.0);
}

TEST(JotFdn, DelaysArePrimesOfItsOwnOrTheOnesThatAreGiven) {
  const auto primes = prime_delays(32, 1000, 3000, 4);
  EXPECT_EQ(std::set<double>(primes.begin(), primes.end()).size(), 32);
  for (const double samples : primes) {
    EXPECT_TRUE(plain_is_prime(std::lround(samples))) << samples;
    EXPECT_TRUE(samples >= 1000 && samples < 3100) << samples;
  }
  EXPECT_NE(primes, prime_delays(32, 1000, 3000, 5));
  const auto given = make_reverb("jot_fdn", "{delays_samples: [1009, 1201, 1499], tone_correction: false}");
  EXPECT_TRUE(at::equal(given->build(48000).delays, at::tensor({1009., 1201., 1499.}, at::kDouble)));
  EXPECT_EQ(given->build(24000).delays[1].item<double>(), 601);
}

/// Of a model that stands still: an impulse at the first input.
at::Tensor impulse(std::int64_t inputs, std::int64_t samples) {
  auto input = at::zeros({inputs, samples}, at::kDouble);
  input[0][0] = 1;
  return input;
}

const std::string kLow = "sample_rate_hz: 8000, seconds: 0.5", kSmall = kLow + ", delays_ms: [5, 20]";

TEST(JotFdn, PlaysItsResponseWhereAllDepthsAreZero) {
  const at::NoGradGuard no_grad;
  for (const std::string lines : {"5", "6"}) {
    for (const std::string turning :
         {"{type: rotating, turn_hz: 0}", "{type: eigenvalues, radius_depth: 0, angle_depth_turns: 0}"}) {
      const auto still = make_reverb("jot_fdn", "{" + kSmall + ", lines: " + lines + ", turning: " + turning + "}");
      ASSERT_TRUE(still->turning(8000));
      const auto network = still->network(8000, at::kDouble);
      EXPECT_LT(largest(at_rest(*still->turning(8000)) - network.a), 1e-12);
      const auto played = still->play(impulse(1, 4000));
      EXPECT_LT(relative_error(played, time_response(network, impulse(1, 4000))), 1e-10) << turning;
      const auto forward = still->forward({}).ir()[0];
      EXPECT_LT(relative_error(forward, played), 1e-5) << turning;
    }
  }
}

TEST(JotFdn, TheToneCorrectionOfWhatTurnsIsTheSameFilterBehindIt) {
  const at::NoGradGuard no_grad;
  for (const std::string lines : {"5", "6"}) {
    for (const std::string turning : {"{type: rotating, turn_hz: 3, angle_depth_turns: 0.2}",
                                      "{type: eigenvalues, radius_depth: 0.2, angle_depth_turns: 0.2}"}) {
      const std::string yaml = kSmall + ", lines: " + lines + ", turning: " + turning + ", high_hz: 3000";
      const auto with = make_reverb("jot_fdn", "{" + yaml + "}"),
                 without = make_reverb("jot_fdn", "{" + yaml + ", tone_correction: false}");
      const auto input = uniform({1, 3000}, -1, 1, 3);
      const auto plain = without->play(input);
      const auto sos = LineDecay{at::scalar_tensor(2.0, at::kDouble), at::scalar_tensor(1.0, at::kDouble),
                                 at::scalar_tensor(3000.0, at::kDouble)}
                           .tone_sos(8000);
      const auto before = at::constant_pad_nd(plain, {1, 0}).slice(1, 0, 3000);
      const auto expected = sos[0][0] * plain + sos[0][1] * before;
      EXPECT_LT(relative_error(with->play(input), expected), 1e-10) << turning << lines;
      EXPECT_GT(relative_error(plain, time_response(without->network(8000, at::kDouble), input)), 0.1) << "it moves";
    }
  }
}

TEST(JotFdn, TrajectoriesAreLearnedThroughWhatIsPlayed) {
  const auto reverb = make_reverb(
      "jot_fdn",
      "{" + kLow +
          ", lines: 5, delays_ms: [2, 6], learn: [modulation_ms, decay_s], modulation_ms: 0.2, modulation_hz: 7, "
          "turning: {type: eigenvalues, radius: [0.9, 0.8, 0.85], radius_depth: 0.3, radius_rate_hz: 9, angle_rate_hz: "
          "8, "
          "learn: [radius, angle_turns, radius_depth, angle_depth_turns, turn_hz, angle_rate_hz]}}");
  const auto input = uniform({1, 400}, -1, 1, 6), weight = uniform({2, 400}, -1, 1, 7);
  const auto score = [&] {
    const auto y = reverb->play(input);
    return (y * weight).sum() + y.square().sum();
  };
  const auto parameters = reverb->parameters();
  EXPECT_TRUE(parameters.contains("matrix.0.s"));
  std::vector<std::string> names = {"decay_s",
                                    "modulation_ms",
                                    "matrix.0.s",
                                    "turning.radius",
                                    "turning.angle_turns",
                                    "turning.radius_depth",
                                    "turning.angle_depth_turns",
                                    "turning.turn_hz",
                                    "turning.angle_rate_hz"};
  std::vector<at::Tensor> leaves;
  for (const auto& name : names) leaves.push_back(parameters.at(name));
  const auto gradients = torch::autograd::grad({score()}, leaves);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto way = uniform(leaves[i].sizes().vec(), 0.5, 1, 20 + i), start = leaves[i].clone();
    const auto at_step = [&](double step) {
      leaves[i].copy_(start + step * way);
      return score().item<double>();
    };
    const double difference = central_difference(at_step, 1e-5);
    leaves[i].copy_(start);
    EXPECT_GT(largest(gradients[i]), 0) << names[i];
    EXPECT_NEAR(difference, (gradients[i] * way).sum().item<double>(),
                2e-5 * (gradients[i] * way).abs().sum().item<double>() + 1e-8)
        << names[i];
  }
}

TEST(JotFdn, LinesMoveAtPacesOfTheirOwnAsAChorusOrAWander) {
  const auto chorus =
      make_reverb("jot_fdn", "{lines: 6, modulation_ms: 0.5, modulation_hz: 1, modulation_spread: 0.2}");
  const auto moves = chorus->motion(48000);
  ASSERT_EQ(moves.size(), 6);
  std::set<double> rates;
  for (const auto& motion : moves) {
    EXPECT_DOUBLE_EQ(motion.depth_samples.tensor().item<double>(), 24);
    EXPECT_TRUE(motion.rate_hz >= 0.8 && motion.rate_hz <= 1.2) << motion.rate_hz;
    rates.insert(motion.rate_hz);
  }
  EXPECT_EQ(rates.size(), 6);
  const auto wanders = make_reverb("jot_fdn", "{lines: 6, modulation_ms: 0.5, modulation_sines: 8}")->motion(48000);
  ASSERT_EQ(wanders.size(), 48);
  std::vector<double> depths(6, 0.0);
  for (const auto& motion : wanders)
    depths[static_cast<std::size_t>(motion.line)] += motion.depth_samples.tensor().item<double>();
  for (const double depth : depths) EXPECT_NEAR(depth, 24, 1e-9);
  EXPECT_TRUE(make_reverb("jot_fdn", "{}")->motion(48000).empty());
}

TEST(JotFdn, AnyMatrixOfTheFamilyMayFeedIt) {
  const at::NoGradGuard no_grad;
  for (const auto& name : family<FeedbackMatrix>().names()) {
    const auto h = reverb_response("jot_fdn", 8000, 8000,
                                   "{lines: " + std::string(name == "conference" ? "6" : "8") +
                                       ", sample_rate_hz: 8000, feedback_matrix: {type: " + name + "}}");
    EXPECT_TRUE(h.isfinite().all().item<bool>()) << name;
    EXPECT_GT(largest(h), 0.01) << name;
  }
}

TEST(JotFdn, ItsOutputGainsLeaveRoomForAFitsInWeights) {  // which hold a million at most
  const auto loudest = [](const std::string& yaml) { return largest(make_reverb("jot_fdn", yaml)->build(48000).c); };
  EXPECT_LE(loudest("{}"), 2);
  EXPECT_LE(loudest("{turning: {type: rotating}}"), 2);
}

TEST(JotFdn, SaysWhatCannotBe) {
  const auto message = [](const std::string& yaml) {
    try {
      make_reverb("jot_fdn", yaml);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto says = [&](const std::string& yaml, const std::string& what) {
    EXPECT_NE(message(yaml).find(what), std::string::npos) << yaml << ": " << message(yaml);
  };
  says("{lines: 6, feedback_matrix: {type: hadamard}}", "a power of two");
  says("{feedback_matrix: {type: hadamar}}", "unknown matrix 'hadamar'");
  says("{feedback_matrix: {type: triangular}, turning: {type: rotating}}", "an orthogonal matrix; triangular is not");
  says("{feedback_matrix: {type: triangular}, filter: {kind: dense}}", "orthogonal ones; triangular is not");
  says("{turning: {type: rotating}, filter: {kind: dense}}", "leave out one of them");
  says("{turning: {turn_hz: 1}}", "turn_hz");
  says("{lines: 64, filter: {kind: dense, stages: 3}}", "at most 65536 pulses");
  says("{lines: 4, delays_samples: [100, 200, 300]}", "4 delays expected, got 3");
  says("{delays_ms: [70, 25]}", "the shortest and the longest");
  says("{delays_ms: [1, 2], modulation_ms: 2}", "modulation_ms");
}

}  // namespace
}  // namespace diffverb
