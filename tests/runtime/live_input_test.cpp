// What comes in and what is asked for may be anything.
#include <limits>

#include "live.h"

namespace diffverb::runtime {
namespace {

using testing::Sound;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

TEST(LiveInput, ThatIsNoSoundCountsAsSilenceAndLeavesTheTailAlone) {
  Sound clean = testing::noise(2, 24000, 1);
  Sound dirty = clean;
  const float bad[] = {kNaN, kInfinity, -kInfinity, 1e30f, -1e30f};
  for (std::size_t k = 0; k < 20; ++k) {
    clean[k % 2][500 * k] = 0;
    dirty[k % 2][500 * k] = bad[k % 5];
  }
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    const auto one = testing::ready(source), other = testing::ready(source);
    for (LiveReverb* reverb : {one.get(), other.get()}) {
      reverb->set(Control::kMix, 70);
      reverb->set(Control::kLowpassOn, 1);
    }
    const Sound a = testing::play(*one, clean, {64}), b = testing::play(*other, dirty, {64});
    EXPECT_EQ(testing::largest_difference(a, b), 0) << name;
    EXPECT_EQ(one->levels().cleared, 0) << name;
    EXPECT_EQ(other->levels().cleared, 20) << name;
  }
}

TEST(LiveInput, ThatIsVeryLoudStaysFinite) {
  const Sound loud{std::vector<float>(9600, 1e9f), std::vector<float>(9600, -1e9f)};
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    const auto reverb = testing::ready(source);
    reverb->set(Control::kInputGain, 12);
    Sound out = testing::play(*reverb, loud, {333}, [&](std::size_t at) { reverb->set(Control::kFreeze, at > 5000); });
    for (const auto& channel : out)
      EXPECT_TRUE(std::all_of(channel.begin(), channel.end(), [](float x) { return std::isfinite(x); })) << name;
    EXPECT_EQ(reverb->levels().in_peak, 1e9f);
  }
}

TEST(LiveInput, OfAnyValueMovesControlsWithinTheirRange) {
  LiveReverb reverb;
  for (std::size_t i = 0; i < controls().size(); ++i) {
    const auto control = static_cast<Control>(i);
    const double before = reverb.get(control);
    EXPECT_EQ(before, info(control).initial);
    reverb.set(control, kNaN);
    EXPECT_EQ(reverb.get(control), before) << info(control).id;
    reverb.set(control, kInfinity);
    EXPECT_EQ(reverb.get(control), info(control).highest) << info(control).id;
    reverb.set(control, -1e300);
    EXPECT_EQ(reverb.get(control), info(control).lowest) << info(control).id;
  }
  reverb.set(Control::kCount, 1);
  EXPECT_EQ(reverb.get(Control::kCount), 0);
}

TEST(LiveInput, OfAnyRatePlaysAndOthersAreRefused) {
  for (const double rate : {8000.0, 11025.0, 22050.0, 44100.0, 48000.0, 88200.0, 96000.0, 192000.0, 384000.0}) {
    for (const auto& source : {built_in_source(), testing::wav_source(2, 4800, 48000)}) {
      const auto reverb = testing::ready(source, rate);
      for (std::size_t i = 0; i < controls().size(); ++i) {
        const auto control = static_cast<Control>(i);
        if (control != Control::kFreeze && control != Control::kMix) reverb->set(control, info(control).highest);
      }
      reverb->settle();
      const auto frames = static_cast<std::size_t>(0.3 * rate);
      const Sound out = testing::play(*reverb, testing::noise(2, static_cast<int>(frames), 1), {512});
      EXPECT_GT(testing::rms(out[0], 0, frames), 1e-9) << rate;
      EXPECT_LT(testing::rms(out[0], 0, frames), 100) << rate;
    }
  }
  LiveReverb reverb;
  for (const double rate : {0.0, -48000.0, 7999.0, 400000.0, static_cast<double>(kNaN)})
    EXPECT_NE(reverb.prepare(rate, 2, 2), "") << rate;
  EXPECT_NE(reverb.prepare(48000, 0, 2), "");
  EXPECT_NE(reverb.prepare(48000, 2, 3), "");
}

TEST(LiveInput, ThatEndsLeavesNoDenormals) {
  const auto reverb = testing::ready(built_in_source());
  for (const Control control : {Control::kLowpassOn, Control::kHighpassOn}) reverb->set(control, 1);
  reverb->set(Control::kMix, 50);
  reverb->set(Control::kDistance, 5);
  testing::play(*reverb, testing::noise(2, 4800, 1), {64});
  const Sound silence(2, std::vector<float>(48000));
  for (int second = 0; second < 10; ++second) {
    const Sound out = testing::play(*reverb, silence, {64});
    for (const float x : out[0]) ASSERT_NE(std::fpclassify(x), FP_SUBNORMAL) << second;
  }
}

TEST(LiveInput, IsForgottenByAReset) {
  for (const auto& [name, source] : testing::sources_of_every_kind()) {
    const auto reverb = testing::ready(source);
    reverb->set(Control::kPredelay, 50);
    testing::play(*reverb, testing::noise(2, 9600, 1), {64});
    reverb->reset();
    const Sound out = testing::play(*reverb, Sound(2, std::vector<float>(9600)), {64});
    EXPECT_EQ(testing::rms(out[0], 0, 9600), 0) << name;
  }
}

TEST(LiveInput, IsShownByMeters) {
  const auto reverb = testing::ready(testing::gain_source(0.5f));
  testing::play(*reverb, {{0.25f, -0.75f}, {0.1f, 0.2f}}, {2});
  const Levels levels = reverb->levels();
  EXPECT_EQ(levels.in_peak, 0.75f);
  EXPECT_EQ(levels.out_peak[0], 0.375f);
  EXPECT_EQ(levels.out_peak[1], 0.1f);
  EXPECT_EQ(reverb->levels().in_peak, 0);
}

TEST(LiveInput, MakesTheResponseThatIsShown) {
  const auto reverb = testing::ready(testing::wav_source(2, 4800, 48000));
  reverb->set(Control::kPredelay, 10);
  reverb->set(Control::kMix, 0);
  reverb->set(Control::kInputGain, -20);
  const Sound shown = reverb->response(0.2);
  ASSERT_EQ(shown.size(), 2u);
  ASSERT_EQ(shown[0].size(), 9600u);
  const Sound response = testing::decaying(2, 4800, 1);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < 4800; ++n) ASSERT_NEAR(shown[c][n + 480], response[c][n], 1e-6);
  }
  EXPECT_TRUE(LiveReverb().response(1).empty());
}

}  // namespace
}  // namespace diffverb::runtime
