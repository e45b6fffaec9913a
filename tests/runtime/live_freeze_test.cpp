#include "live.h"
#include "runtime/live/freeze.h"

namespace diffverb::runtime {
namespace {

using testing::Sound;

double decibels(double ratio) { return 20 * std::log10(ratio); }

/// Plays a sound for two seconds, freezes a tenth of a second after its end and holds for `seconds`.
Sound frozen(LiveReverb& reverb, const Sound& sound, double seconds) {
  Sound input = sound;
  for (auto& channel : input) channel.resize(static_cast<std::size_t>(48000 * (2.1 + seconds)));
  return testing::play(reverb, input, {480}, [&](std::size_t at) {
    if (at >= 100800) reverb.set(Control::kFreeze, 1);
  });
}

Sound tones(int frames) {
  Sound sound(2, std::vector<float>(static_cast<std::size_t>(frames)));
  for (int n = 0; n < frames; ++n) {
    for (const double hz : {110.0, 277.2, 440.0, 1318.5, 2093.0})
      sound[0][static_cast<std::size_t>(n)] +=
          static_cast<float>(0.1 * std::sin(2 * std::numbers::pi * hz * n / 48000));
  }
  sound[1] = sound[0];
  return sound;
}

TEST(LiveFreeze, HoldsTheLevelOfEveryKindWithinADecibelForThirtySeconds) {
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    const auto reverb = testing::ready(source);
    const Sound held = frozen(*reverb, testing::noise(2, 96000, 6), 31);
    const std::size_t begin = 110400;  // 0.2 s after it was frozen
    const double all = testing::rms(held[0], begin, begin + 30 * 48000);
    ASSERT_GT(all, 1e-5) << name;
    for (std::size_t second = 0; second < 30; ++second) {
      const std::size_t from = begin + second * 48000;
      EXPECT_LT(std::abs(decibels(testing::rms(held[0], from, from + 48000) / all)), 1) << name << " " << second;
    }
  }
}

TEST(LiveFreeze, HoldsTones) {
  const auto reverb = testing::ready(built_in_source());
  const Sound held = frozen(*reverb, tones(96000), 31);
  const double all = testing::rms(held[0], 110400, 31 * 48000);
  for (std::size_t second = 3; second < 32; ++second)
    EXPECT_LT(std::abs(decibels(testing::rms(held[0], second * 48000, second * 48000 + 48000) / all)), 1.5) << second;
}

/// A loop of one length would show as a line in the spectrum of the level.
TEST(LiveFreeze, DoesNotFlutter) {
  const auto reverb = testing::ready(built_in_source());
  const Sound held = frozen(*reverb, testing::noise(2, 96000, 8), 21);
  std::vector<double> levels;  // every 10 ms for 16 s
  for (std::size_t n = 0; n < 1600; ++n)
    levels.push_back(testing::rms(held[0], 3 * 48000 + n * 480, 3 * 48000 + n * 480 + 480));
  double mean = 0, power = 0, loudest = 0;
  for (const double level : levels) mean += level / 1600;
  for (double& level : levels) level = level / mean - 1, power += level * level;
  for (int k = 8; k < 800; ++k) {  // 0.5 to 50 Hz
    double re = 0, im = 0;
    for (int n = 0; n < 1600; ++n) {
      const double angle = 2 * std::numbers::pi * k * n / 1600.0;
      re += levels[static_cast<std::size_t>(n)] * std::cos(angle);
      im += levels[static_cast<std::size_t>(n)] * std::sin(angle);
    }
    loudest = std::max(loudest, 2 * (re * re + im * im) / 1600);
  }
  // Of white fluctuations the largest of 800 lines holds about ln 800 = 7 times the mean line, 1 / 800 of the power.
  EXPECT_LT(loudest / power, 0.03);
  EXPECT_LT(std::sqrt(power / 1600), 0.1);  // 10 ms of noise by themselves: 0.05 to 0.08
}

TEST(LiveFreeze, BeginsAndEndsWithoutAClickAndLetsNewSoundThroughAgain) {
  const auto reverb = testing::ready(testing::gain_source(1));
  const Sound input = tones(48000 * 6);
  const Sound output = testing::play(
      *reverb, input, {64}, [&](std::size_t at) { reverb->set(Control::kFreeze, at >= 96000 && at < 192000 ? 1 : 0); });
  const auto step = [](const std::vector<float>& x, std::size_t from, std::size_t to) {
    float largest = 0;
    for (std::size_t n = from + 1; n < to; ++n) largest = std::max(largest, std::abs(x[n] - x[n - 1]));
    return largest;
  };
  EXPECT_LT(step(output[0], 90000, 288000), 2 * step(input[0], 0, 48000));
  for (std::size_t n = 240000; n < 288000; ++n) ASSERT_EQ(output[0][n], input[0][n]) << n;
  EXPECT_GT(testing::rms(output[0], 100000, 190000), 0.5 * testing::rms(input[0], 0, 48000));
}

TEST(LiveFreeze, KeepsTheSidesWhereTheyWere) {
  Freeze freeze;
  freeze.prepare(48000, 2);
  Sound sound = testing::noise(2, 96000, 9);
  for (float& x : sound[1]) x = 0;
  float* rows[] = {sound[0].data(), sound[1].data()};
  freeze.process(rows, 60000, false);
  rows[0] += 60000, rows[1] += 60000;
  freeze.process(rows, 36000, true);
  EXPECT_GT(testing::rms(sound[0], 70000, 96000), 0.1);
  EXPECT_EQ(testing::rms(sound[1], 70000, 96000), 0);
}

TEST(LiveFreeze, OfSilenceAndSoonAgainIsWhatWasThere) {
  Freeze freeze;
  freeze.prepare(48000, 1);
  std::vector<float> sound = testing::noise(1, 48000 * 3, 10)[0];
  std::fill(sound.begin(), sound.begin() + 4800, 0.0f);
  const auto play = [&](std::size_t from, std::size_t to, bool on) {
    float* row[] = {sound.data() + from};
    freeze.process(row, static_cast<int>(to - from), on);
  };
  play(0, 4800, false);
  play(4800, 9600, true);  // nothing had sounded
  for (std::size_t n = 4800 + 2400; n < 9600; ++n) ASSERT_EQ(sound[n], 0.0f);
  play(9600, 48000, false);
  play(48000, 48000 * 3, true);  // less than the memory holds since then
  EXPECT_LT(std::abs(decibels(testing::rms(sound, 96000, 48000 * 3) / 0.3)), 1);
}

}  // namespace
}  // namespace diffverb::runtime
