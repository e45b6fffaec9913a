// Losses of decay against closed forms, and against the analysis on measured rooms.
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/analysis.h"
#include "core/audio_file.h"
#include "core/error.h"
#include "tests/losses/loss_fixture.h"
#include "tests/shared_data.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 16000;
constexpr std::int64_t kLength = 16000;
const double kHalfDb = 20 * std::log10(2.0);  // 6.02

at::Tensor decay(double t60_s, std::uint64_t seed = 1) { return decaying_noise(seed, 1, kLength, kRateHz, t60_s); }

double of(const std::string& name, const at::Tensor& ir, const at::Tensor& target, const std::string& yaml = "{}") {
  return value(*make_loss(name, yaml), ir, target, kRateHz);
}

TEST(EdrLoss, OfHalfTheAmplitudeIsSixDecibels) {
  EXPECT_NEAR(of("edr", decay(0.5) * 0.5, decay(0.5), "floor_db: -200"), kHalfDb, 1e-9);
  EXPECT_LT(of("edr", decay(0.5) * 0.5, decay(0.5)), kHalfDb) << "what lies below the floor does not count";
}

TEST(EdrLoss, OfSilenceIsWhatTheTargetHasAboveTheFloor) {
  const auto target = decay(0.5);
  const double deep = of("edr", at::zeros_like(target), target, "floor_db: -40"),
               deeper = of("edr", at::zeros_like(target), target, "floor_db: -60");
  EXPECT_GT(deep, 0);
  EXPECT_LT(deep, 40);
  EXPECT_GT(deeper, deep);
}

TEST(EdrLoss, OfTwoDecaysIsTheMeanOfWhatTheirLinesDifferBy) {
  // Lines in dB from 0 to -60 t / T: over a second -120 and -150, so 15 dB apart on average.
  EXPECT_NEAR(of("edr", decaying_noise(1, 1, kLength, kRateHz, 0.9), decaying_noise(1, 1, kLength, kRateHz, 1.0),
                 "floor_db: -200"),
              (60 / 0.9 - 60) / 2 + 10 * std::log10(1 / 0.9), 0.5);
}

/// Octaves in which a second of noise holds enough for its decay to be that of its envelope.
const std::string kBroad = "from_hz: 500";

TEST(T60Loss, IsTheRelativeErrorOfTheDecayTime) {
  EXPECT_NEAR(of("t60", decay(0.4), decay(0.5), kBroad), 0.2, 0.01);
  EXPECT_NEAR(of("t60", decay(0.6), decay(0.5), kBroad), 0.2, 0.01);
  EXPECT_NEAR(of("t60", decay(0.2), decay(0.8), kBroad), 0.75, 0.01);
}

TEST(T60Loss, DoesNotSeeLevelOrOnset) {
  EXPECT_NEAR(of("t60", decay(0.4) * 1e-3, decay(0.5)), of("t60", decay(0.4), decay(0.5)), 1e-7);
  const auto later = [](const at::Tensor& ir) { return at::pad(ir, {800, 0}).slice(2, 0, kLength); };
  EXPECT_NEAR(of("t60", later(decay(0.4)), later(decay(0.5))), of("t60", decay(0.4), decay(0.5)), 5e-3);
}

TEST(T60Loss, OfASingleSampleIsOneAndOfSilenceItsBound) {
  auto sample = at::zeros_like(decay(0.5));
  sample.select(2, 0).fill_(1);
  EXPECT_NEAR(of("t60", sample, decay(0.5), kBroad), 1, 0.03);
  EXPECT_NEAR(of("t60", at::zeros_like(sample), decay(0.5)), 99, 0.01);
}

TEST(T60Loss, LeavesTheNoiseOfAMeasurementOut) {
  const auto noise = decaying_noise(9, 1, kLength, kRateHz, 1e6) * 10e-4;  // 60 dB below the start
  const auto measured = decay(0.5) + noise;
  EXPECT_LT(of("t60", decay(0.5), measured, kBroad), 0.02);
  EXPECT_NEAR(of("t60", decay(0.4), measured, kBroad), 0.2, 0.02);
}

TEST(T60Loss, RefusesATargetThatDoesNotDecay) {
  EXPECT_THROW(of("t60", decay(0.5), decaying_noise(1, 1, kLength, kRateHz, 1e6)), ContractError);
}

TEST(DecayLosses, OfABatchAreTheMeanOfItsResponses) {
  const auto a = decay(0.4), b = decay(0.6, 2), target_a = decay(0.5, 3), target_b = decay(0.5, 4);
  for (const std::string name : {"edr", "t60", "clarity", "masked"}) {
    // Octaves that all of them have above their noise, so that each response counts as much.
    const std::string yaml = name == "t60" || name == "clarity" ? kBroad : "{}";
    const double mean = (of(name, a, target_a, yaml) + of(name, b, target_b, yaml)) / 2;
    EXPECT_NEAR(of(name, at::cat({a, b}), at::cat({target_a, target_b}), yaml), mean, 1e-9 * mean) << name;
    EXPECT_NEAR(of(name, at::cat({a, b}, 1), at::cat({target_a, target_b}, 1), yaml), mean, 1e-9 * mean) << name;
  }
}

double clarity_db(double t60_s, double seconds) {
  return 10 * std::log10(std::exp(6 * std::log(10.0) * seconds / t60_s) - 1);
}
double definition(double t60_s, double seconds) { return 1 - std::exp(-6 * std::log(10.0) * seconds / t60_s); }

TEST(ClarityLoss, OfExponentialDecaysIsItsClosedForm) {
  // The same noise under two envelopes: most of its fluctuation is common to both.
  EXPECT_NEAR(of("clarity", decay(0.8), decay(0.5), "from_hz: 250"), clarity_db(0.5, 0.08) - clarity_db(0.8, 0.08),
              0.25);
  EXPECT_NEAR(of("clarity", decay(0.8), decay(0.5), "{split_ms: 50, from_hz: 250}"),
              clarity_db(0.5, 0.05) - clarity_db(0.8, 0.05), 0.25);
  EXPECT_NEAR(of("clarity", decay(0.8), decay(0.5), "{of: definition, split_ms: 50, from_hz: 250}"),
              definition(0.5, 0.05) - definition(0.8, 0.05), 0.015);
}

TEST(ClarityLoss, CountsFromTheOnset) {
  const auto later = [](const at::Tensor& ir) { return at::pad(ir, {1600, 0}).slice(2, 0, kLength); };
  EXPECT_NEAR(of("clarity", later(decay(0.6)), later(decay(0.5))), of("clarity", decay(0.6), decay(0.5)), 0.02);
}

TEST(ClarityLoss, RefusesATargetThatEndsBeforeTheSplit) {
  EXPECT_THROW(of("clarity", decay(0.5).slice(2, 0, 1000), decay(0.5).slice(2, 0, 1000)), ContractError);
}

at::Tensor channel_of(const Audio& audio) {
  const auto& samples = audio.channels[0];
  return at::from_blob(const_cast<float*>(samples.data()), {1, 1, static_cast<std::int64_t>(samples.size())})
      .to(at::kDouble);
}

/// Two places in one room, cut to one length.
class MeasuredDecays : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = shared_responses() / "otala_listening_room";
    std::vector<std::filesystem::path> files;
    if (std::filesystem::exists(folder)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".wav") files.push_back(entry.path());
      }
    }
    if (files.size() < 2) GTEST_SKIP() << "no measured responses in " << folder;
    std::sort(files.begin(), files.end());
    a = read_audio(files[0]), b = read_audio(files[1]);
    // Each from its own onset, as the analysis takes them: the losses take both from the target's.
    std::size_t length = a.frames();
    for (Audio* audio : {&a, &b}) {
      const auto samples = acoustics::to_double(audio->channels[0]);
      const auto onset = static_cast<std::ptrdiff_t>(acoustics::find_onset(samples));
      audio->channels = {{audio->channels[0].begin() + onset, audio->channels[0].end()}};
      length = std::min(length, audio->frames());
    }
    for (Audio* audio : {&a, &b}) audio->channels[0].resize(length);
    analysis_a = acoustics::analyze(a).channels[0];
    analysis_b = acoustics::analyze(b).channels[0];
  }
  double loss(const std::string& name, const std::string& yaml) const {
    return value(*make_loss(name, yaml), channel_of(b), channel_of(a), a.rate_hz);
  }
  Audio a, b;
  acoustics::ChannelResult analysis_a, analysis_b;
};

TEST_F(MeasuredDecays, T60IsWhatTheAnalysisFinds) {
  double sum = 0, count = 0;
  for (std::size_t o = 0; o < analysis_a.octaves.size(); ++o) {
    const auto &wanted = analysis_a.octaves[o], &found = analysis_b.octaves[o];
    const auto target_s = wanted.t_s();
    if (!target_s) continue;
    const auto other_s = wanted.t30_s ? found.t30_s : found.t20_s;
    ASSERT_TRUE(other_s) << wanted.hz;
    sum += std::abs(*other_s / *target_s - 1);
    ++count;
  }
  ASSERT_GT(count, 3);
  EXPECT_NEAR(loss("t60", "{}"), sum / count, 0.02);
}

TEST_F(MeasuredDecays, ClarityIsWhatTheAnalysisFinds) {
  for (const auto& [yaml, early] : std::vector<std::pair<std::string, std::optional<double> acoustics::BandResult::*>>{
           {"split_ms: 80", &acoustics::BandResult::c80_db}, {"split_ms: 50", &acoustics::BandResult::c50_db}}) {
    double sum = 0, count = 0;
    for (std::size_t o = 0; o < analysis_a.octaves.size(); ++o) {
      const auto wanted = analysis_a.octaves[o].*early, found = analysis_b.octaves[o].*early;
      if (!wanted || !found) continue;
      // The loss rounds off beyond 25 dB, as its doc comment says.
      const auto rounded = [](double db) {
        const double share = 1 / (1 + std::pow(10, -db / 10));
        return 10 * std::log10((share + 3e-3) / (1 - share + 3e-3));
      };
      sum += std::abs(rounded(*found) - rounded(*wanted));
      ++count;
    }
    ASSERT_GT(count, 3);
    EXPECT_NEAR(loss("clarity", yaml), sum / count, 0.15 * sum / count + 0.1) << yaml;
  }
}

}  // namespace
}  // namespace diffverb
