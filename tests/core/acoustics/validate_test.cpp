#include "core/acoustics/validate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "synthetic.h"

namespace diffverb::acoustics {
namespace {

using synthetic::audio;
using synthetic::decaying_noise;

std::string problem(const std::vector<double>& channel, double rate_hz = 48000) {
  try {
    check_response(audio(rate_hz, {channel}), "room.wav");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(CheckResponse, AcceptsDecayingNoise) {
  for (const double rate_hz : {8000.0, 16000.0, 48000.0, 96000.0}) {
    for (const double t60_s : {0.15, 0.5, 2.0}) {
      EXPECT_EQ(problem(decaying_noise(t60_s, 1.5 * t60_s, rate_hz, 1), rate_hz), "") << rate_hz << " " << t60_s;
      EXPECT_EQ(problem(decaying_noise(t60_s, 1.5 * t60_s, rate_hz, 2, -35), rate_hz), "") << rate_hz << " " << t60_s;
    }
  }
}

TEST(CheckResponse, RefusesWhatIsTooShortSilentOrNotFinite) {
  EXPECT_THROW(check_response(Audio{}, "a.wav"), DataError);
  EXPECT_NE(problem(std::vector<double>(2000, 0.5)).find("at least 50 ms"), std::string::npos);
  EXPECT_NE(problem(std::vector<double>(48000, 0.0)).find("silent"), std::string::npos);
  std::vector<double> bad = decaying_noise(0.5, 1, 48000, 1);
  bad[1234] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(problem(bad).find("sample 1234 is not finite"), std::string::npos);
  try {
    check_response(audio(48000, {decaying_noise(0.5, 1, 48000, 1), std::vector<double>(48000, 0.0)}), "pair.wav");
    FAIL() << "a silent channel was accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("pair.wav: channel 2: silent"), std::string::npos) << error.what();
  }
}

TEST(CheckResponse, RefusesNoiseTonesAndSweeps) {
  const double rate_hz = 48000;
  for (const double seconds : {0.1, 1.0, 3.0}) {
    for (std::uint64_t seed = 0; seed < 5; ++seed)
      EXPECT_NE(problem(synthetic::noise(seconds, rate_hz, seed)), "") << seconds;
    std::vector<double> tone(static_cast<std::size_t>(seconds * rate_hz)), sweep(tone.size()), chord(tone.size());
    for (std::size_t i = 0; i < tone.size(); ++i) {
      const double t = static_cast<double>(i) / rate_hz;
      tone[i] = std::sin(2 * std::numbers::pi * 440 * t);
      sweep[i] = std::sin(2 * std::numbers::pi * 50 * seconds / std::log(300.0) *
                          (std::exp(t / seconds * std::log(300.0)) - 1));
      for (const double hz : {262.0, 330.0, 392.0, 523.0}) chord[i] += 0.2 * std::sin(2 * std::numbers::pi * hz * t);
    }
    EXPECT_NE(problem(tone), "") << seconds;
    EXPECT_NE(problem(sweep), "") << seconds;
    EXPECT_NE(problem(chord), "") << seconds;
  }
}

// Notes that decay one after the other, and bursts of noise with pauses: music and speech have decays, but not one
// decay.
TEST(CheckResponse, RefusesMusicAndSpeech) {
  const double rate_hz = 48000;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    std::mt19937_64 engine(seed);
    std::uniform_real_distribution<double> uniform;
    std::vector<double> music(3 * 48000, 0.0), speech = synthetic::noise(3, rate_hz, seed);
    for (std::size_t start = 0; start < music.size(); start += 12000) {
      const double hz = 110 * std::exp2(3 * uniform(engine)), t60_s = 0.5 + 2 * uniform(engine);
      for (std::size_t i = start; i < music.size(); ++i) {
        const double t = static_cast<double>(i - start) / rate_hz;
        for (int partial = 1; partial < 8; ++partial) {
          music[i] += synthetic::envelope(i - start, rate_hz, t60_s) *
                      std::sin(2 * std::numbers::pi * hz * partial * t) / partial;
        }
      }
    }
    const double syllable_s = 0.15 + 0.1 * uniform(engine);
    for (std::size_t i = 0; i < speech.size(); ++i) {
      const double phase = std::fmod(static_cast<double>(i) / rate_hz / syllable_s, 1.0);
      speech[i] *= phase < 0.7 ? std::sin(std::numbers::pi * phase / 0.7) : 1e-3;
    }
    EXPECT_NE(problem(music), "") << seed;
    EXPECT_NE(problem(speech), "") << seed;
  }
}

TEST(CheckResponse, SaysThatThereIsMoreNoiseThanResponse) {
  EXPECT_NE(problem(decaying_noise(1, 3, 48000, 1, -12)).find("more noise than response"), std::string::npos);
  EXPECT_NE(problem(decaying_noise(1, 3, 48000, 1, 3)).find("more noise than response"), std::string::npos);
}

TEST(CheckResponse, RefusesAnImpulseAlone) {
  std::vector<double> impulse(48000, 0.0);
  impulse[100] = 1;
  EXPECT_NE(problem(impulse).find("no decay"), std::string::npos);
}

TEST(CheckResponse, WarnsOfClippedSamples) {
  std::vector<double> h = decaying_noise(0.5, 1, 48000, 1);
  EXPECT_TRUE(check_response(audio(48000, {h}), "a.wav").empty());
  for (double& value : h) value = std::clamp(2 * value, -1.0, 1.0);
  const auto warnings = check_response(audio(48000, {h}), "a.wav");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("clipped"), std::string::npos);
}

std::filesystem::path shared_responses() {
  const char* given = std::getenv("DIFFVERB_DATA");
  const std::filesystem::path data =
      given ? std::filesystem::path(given) : std::filesystem::path(DIFFVERB_SOURCE_DIR) / "../shared/data";
  return data / "ir";
}

TEST(CheckResponse, AcceptsEveryMeasuredResponse) {
  if (!std::filesystem::exists(shared_responses())) GTEST_SKIP() << "no measured responses: set DIFFVERB_DATA";
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(shared_responses())) {
    if (entry.path().extension() != ".wav") continue;
    EXPECT_NO_THROW(check_response(read_audio(entry.path()), entry.path())) << entry.path();
    ++count;
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace diffverb::acoustics
