// Sums of losses: their weights, their terms, and weights over time.
#include "losses/composite.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;

at::Tensor noise(std::uint64_t seed, double t60_s = 0.25) { return decaying_noise(seed, 2, 8000, kRateHz, t60_s); }

double of(const std::string& name, const std::string& yaml, const at::Tensor& ir) {
  return value(*make_loss(name, yaml), ir, noise(1), kRateHz);
}

std::string refused(const std::string& name, const std::string& yaml) {
  try {
    make_loss(name, yaml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Composite, IsTheWeightedSumOfItsTermsAlone) {
  const auto ir = noise(2, 0.4);
  const std::string perceptual =
      "{loudness: {weight: 2, floor_db: -60}, masking: {weight: 0.5}, decay: {weight: 0.25}}";
  EXPECT_NEAR(of("perceptual", perceptual, ir),
              2 * of("mel", "floor_db: -60", ir) + 0.5 * of("masked", "{}", ir) + 0.25 * of("edr", "{}", ir), 1e-6);
  EXPECT_NEAR(of("total", "{}", ir),
              of("perceptual", "{}", ir) +
                  0.1 * (of("entropy", "{}", ir) + of("mutual_information", "{}", ir) + of("decorrelation", "{}", ir)),
              1e-6);
  EXPECT_NEAR(of("implicit", "{}", ir),
              of("mr_stft", "{}", ir) + of("entropy", "{}", ir) + 0.1 * (of("edr", "{}", ir) + of("masked", "{}", ir)),
              1e-6);
}

TEST(Composite, LeavesOutWhatWeighsNothing) {
  const auto ir = noise(2);
  EXPECT_EQ(of("total", "{perceptual: {weight: 0}, mutual_information: {weight: 0}, decorrelation: {weight: 0}}", ir),
            0.1 * of("entropy", "{}", ir));
  const auto loss = make_loss("implicit", "{mask: {weight: 0}}");
  EXPECT_EQ(term_names(*loss), (std::vector<std::string>{"spec", "time", "info"}));
}

TEST(Composite, RefusesWeightsThatMeanNothingWhereTheyStand) {
  EXPECT_EQ(refused("total", "entropy: {weight: -1}").substr(0, 36), "config:1:19: entropy.weight: expected");
  EXPECT_NE(refused("implicit", "spec: {weight: 0}\ntime: {weight: 0}\ninfo: {weight: 0}\nmask: {weight: 0}")
                .find("config:1:1: spec: all weights of 'implicit' are 0"),
            std::string::npos);
  EXPECT_NE(refused("total", "entropy: {no_such_key: 1}").find("no_such_key"), std::string::npos);
}

const std::string kLoudnessAlone = "masking: {weight: 0}, decay: {weight: 0}";

TEST(Perceptual, OneKnotIsTheWholeResponse) {
  const auto ir = noise(2, 0.4);
  EXPECT_NEAR(of("perceptual", "{time_s: [0.1], time_weights: [5], " + kLoudnessAlone + "}", ir), of("mel", "{}", ir),
              1e-9);
}

TEST(Perceptual, HearsADifferenceOnlyWhereItsTimeWeighs) {
  // Half the amplitude from 0.3 s on.
  auto ir = noise(1).clone();
  ir.slice(2, 4800).mul_(0.5);
  const std::string knots = "{time_s: [0.1, 0.2, 0.3, 0.4], " + kLoudnessAlone + ", time_weights: ";
  EXPECT_NEAR(of("perceptual", knots + "[1, 1, 0, 0]}", ir), 0, 1e-9);
  EXPECT_GT(of("perceptual", knots + "[0, 0, 0, 1]}", ir), 0.1);
  EXPECT_GT(of("perceptual", knots + "[1, 1, 1, 3]}", ir), of("perceptual", knots + "[3, 1, 1, 1]}", ir));
}

TEST(Perceptual, RefusesACurveThatIsNone) {
  EXPECT_THROW(make_loss("perceptual", "{time_s: [0, 1], time_weights: [1]}"), ConfigError);
  EXPECT_THROW(make_loss("perceptual", "{time_s: [1, 0], time_weights: [1, 1]}"), ConfigError);
  EXPECT_THROW(make_loss("perceptual", "{time_s: [0, 1], time_weights: [0, 0]}"), ConfigError);
  EXPECT_THROW(make_loss("perceptual", "{time_s: [0, 1], time_weights: [1, -1]}"), ConfigError);
}

}  // namespace
}  // namespace diffverb
