#include "train/autoencoder/stereo_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kRateHz = 48000;

/// Two channels of decaying noise whose correlation is `same`.
Audio pair_of(double same, double gain) {
  Random random(3);
  Audio pair{kRateHz, {{}, {}}};
  for (int n = 0; n < 72000; ++n) {
    const double decay = std::pow(10.0, -3 * n / kRateHz), left = random.normal();
    const double right = same * left + std::sqrt(1 - same * same) * random.normal();
    pair.channels[0].push_back(static_cast<float>(gain * decay * left));
    pair.channels[1].push_back(static_cast<float>(decay * right));
  }
  return pair;
}

TEST(StereoReport, FindsTheCoherenceOfEveryOctave) {
  for (const double same : {0.0, 0.5, 1.0}) {
    const StereoReport report = measure_stereo(pair_of(same, 2), 0.2);
    ASSERT_EQ(report.octaves.size(), 8u);
    for (const auto& band : report.octaves) {
      ASSERT_TRUE(band.coherence.has_value()) << band.hz;
      EXPECT_NEAR(*band.coherence, same, band.hz < 200 ? 0.3 : 0.1) << band.hz;
    }
    ASSERT_TRUE(report.iacc_late && report.iacc_early);
    EXPECT_NEAR(report.level_difference_db, 6.02, 0.3);
    if (same == 1.0) {
      EXPECT_NEAR(*report.iacc_late, 1, 1e-6);
    }
    if (same == 0.0) {
      EXPECT_LT(*report.iacc_late, 0.3);
    }
  }
}

TEST(StereoReport, TheDiffuseFieldIsCoherentAtLowFrequenciesAlone) {
  const StereoReport report = measure_stereo(pair_of(0, 1), 0.2);
  EXPECT_GT(report.octaves[0].diffuse_field, 0.95);
  EXPECT_LT(report.octaves[4].diffuse_field, 0.2);  // 1 kHz
  const StereoReport mono = measure_stereo(pair_of(1, 1), 0);
  for (const auto& band : mono.octaves) EXPECT_EQ(band.diffuse_field, 1);
}

TEST(StereoReport, SilenceHasNoCoherenceAndIsNullInJson) {
  Audio pair{kRateHz, {std::vector<float>(48000, 0.0f), std::vector<float>(48000, 0.0f)}};
  const nlohmann::json json = to_json(measure_stereo(pair, 1));
  EXPECT_TRUE(json["iacc_late"].is_null());
  EXPECT_TRUE(json["bands"][0]["coherence"].is_null());
  pair.channels.pop_back();
  EXPECT_THROW(measure_stereo(pair, 1), ContractError);
}

}  // namespace
}  // namespace diffverb
