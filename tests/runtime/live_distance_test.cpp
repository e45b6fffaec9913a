#include "live.h"
#include "runtime/live/distance.h"

namespace diffverb::runtime {
namespace {

using testing::Sound;

/// Direct-to-reverberant ratio of a reverb's whole output at mix 50 %, from its response to an impulse at the left: energy of
/// the first 10 ms against all that follows. The voice is silent for 20 ms and then decays.
double measured_drr_db(LiveReverb& reverb) {
  Sound input(2, std::vector<float>(48000));
  input[0][0] = 1;
  const Sound out = testing::play(reverb, input, {128});
  const double direct = testing::rms(out[0], 0, 480), later = testing::rms(out[0], 480, 48000);
  return 10 * std::log10(direct * direct * 480 / (later * later * (48000 - 480)));
}

std::shared_ptr<const Source> delayed_room(double& energy) {
  Sound room = testing::decaying(2, 24000, 11);
  energy = 0;
  for (auto& channel : room) std::fill_n(channel.begin(), 960, 0.0f);
  for (const float x : room[0]) energy += static_cast<double>(x) * x;
  return load_source(testing::wav_bytes(room, 48000), "room").source;
}

TEST(LiveDistance, SetsTheDirectToReverberantRatioOfTheWholeOutput) {
  double energy = 0;
  const auto source = delayed_room(energy);
  for (const double metres : {0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0}) {
    const auto reverb = testing::ready(source);
    reverb->set(Control::kMix, 50);
    reverb->set(Control::kDistance, metres);
    ASSERT_EQ(reverb->prepare(48000, 2, 2), "");
    // What is promised: 6 dB less for twice the distance, the file's own ratio at 1 m; and of an impulse, which has all
    // frequencies alike, less yet by what the air takes of the high ones.
    const DirectPath path = direct_path(metres, 48000);
    const double air_db = 10 * std::log10((1 - path.pole) / (1 + path.pole));
    const double promised = -10 * std::log10(energy) - 20 * std::log10(metres) + air_db;
    EXPECT_NEAR(measured_drr_db(*reverb), promised, 0.1) << metres;
    // At 1 kHz the air takes next to nothing: there the ratio is that of the distance alone.
    const double at_1k = 1 - 2 * path.pole * std::cos(2 * std::numbers::pi / 48) + path.pole * path.pole;
    EXPECT_GT(10 * std::log10(std::pow(1 - path.pole, 2) / at_1k), -0.3) << metres;
  }
}

TEST(LiveDistance, LeavesTheDrySoundAsItIsAtAMetre) {
  const auto reverb = testing::ready(testing::gain_source(0));
  reverb->set(Control::kMix, 0);
  ASSERT_EQ(reverb->prepare(48000, 2, 2), "");
  const Sound input = testing::noise(2, 4800, 1);
  EXPECT_EQ(testing::largest_difference(testing::play(*reverb, input, {100}), input), 0);
}

TEST(LiveDistance, ShortensTheGapBeforeTheRoom) {
  const auto onset = [](double metres, double mix) {
    const auto reverb = testing::ready(testing::gain_source(1));
    reverb->set(Control::kMix, mix);
    reverb->set(Control::kDistance, metres);
    EXPECT_EQ(reverb->prepare(48000, 2, 2), "");
    Sound input(2, std::vector<float>(4800));
    input[0][0] = input[1][0] = 1;
    const Sound out = testing::play(*reverb, input, {64});
    return std::find_if(out[0].begin(), out[0].end(), [](float x) { return std::abs(x) > 1e-4f; }) - out[0].begin();
  };
  const auto gap = [&](double metres) { return onset(metres, 100) - onset(metres, 0); };
  EXPECT_EQ(gap(1), 0);
  // sqrt(d^2 + 3^2) - d over 343 m/s, less that at 1 m.
  const auto expected = [](double d) { return 48000 * (std::hypot(d, 3) - d - std::hypot(1, 3) + 1) / 343; };
  for (const double metres : {0.5, 3.0, 30.0}) EXPECT_NEAR(static_cast<double>(gap(metres)), expected(metres), 0.51);
}

TEST(LiveDistance, LosesHighFrequenciesAsAirDoes) {
  for (const double rate : {44100.0, 48000.0, 192000.0}) {
    const double pole = direct_path(31, rate).pole, w = 2 * std::numbers::pi * 8000 / rate;
    const double power = std::pow(1 - pole, 2) / (1 - 2 * pole * std::cos(w) + pole * pole);
    EXPECT_NEAR(10 * std::log10(power), -30 * 0.1053, 1e-6) << rate;
  }
  EXPECT_EQ(direct_path(1, 48000).pole, 0);
  EXPECT_EQ(direct_path(0.5, 48000).pole, 0);
}

TEST(LiveDistance, MovesWithoutAClick) {
  const auto reverb = testing::ready(testing::gain_source(0));
  reverb->set(Control::kMix, 0);
  ASSERT_EQ(reverb->prepare(48000, 2, 2), "");
  Sound input(2, std::vector<float>(96000));
  for (std::size_t n = 0; n < input[0].size(); ++n)
    input[0][n] = input[1][n] =
        static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 100 * static_cast<double>(n) / 48000));
  const Sound out = testing::play(*reverb, input, {64}, [&](std::size_t at) {
    if (at % 4800 == 0) reverb->set(Control::kDistance, at % 9600 == 0 ? 1 : 30);
  });
  float own = 0, largest = 0;
  for (std::size_t n = 1; n < 96000; ++n) {
    own = std::max(own, std::abs(input[0][n] - input[0][n - 1]));
    largest = std::max(largest, std::abs(out[0][n] - out[0][n - 1]));
  }
  EXPECT_LT(largest, 1.2f * own);
}

}  // namespace
}  // namespace diffverb::runtime
