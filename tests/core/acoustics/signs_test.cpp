#include "core/acoustics/signs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "core/audio_file.h"
#include "tests/core/acoustics/synthetic.h"
#include "tests/shared_data.h"

namespace diffverb::acoustics {
namespace {

using synthetic::decaying_noise;
using synthetic::envelope;

constexpr double kRate = 24000;

Character character_of(const std::vector<double>& response) {
  AnalysisOptions options;
  options.thirds = true;
  return characterize(response, analyze_channel(response, kRate, options));
}

Sign named(const std::vector<Sign>& signs, const std::string& name) {
  for (const Sign& one : signs) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "no sign " << name;
  return {};
}

Sign sign_of(const std::vector<double>& response, const std::string& name) {
  return named(find_signs(character_of(response)), name);
}

std::vector<double> sum(std::vector<double> one, const std::vector<double>& other, double gain = 1) {
  for (std::size_t n = 0; n < one.size(); ++n) one[n] += gain * other[n];
  return one;
}

std::vector<double> within(double from_hz, double to_hz, const std::vector<double>& response) {
  return apply_filter(butterworth_band_pass(3, from_hz, to_hz, kRate), response);
}

std::vector<double> mode(double hz, double t60_s, double seconds, double gain) {
  std::vector<double> out(static_cast<std::size_t>(seconds * kRate));
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = gain * envelope(n, kRate, t60_s) * std::sin(2 * std::numbers::pi * hz * static_cast<double>(n) / kRate);
  return out;
}

std::vector<double> comb(double delay_ms, double t60_s, double seconds, double sign = 1) {
  std::vector<double> out(static_cast<std::size_t>(seconds * kRate), 0.0);
  const auto delay = static_cast<std::size_t>(std::lround(delay_ms / 1000 * kRate));
  double one = 1;
  for (std::size_t n = 0; n < out.size(); n += delay, one *= sign) out[n] = one * envelope(n, kRate, t60_s);
  return out;
}

TEST(Signs, OfDecayingNoiseAreAllGood) {
  for (const double t60_s : {0.3, 0.6, 1.2, 2.5}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      for (const Sign& sign : find_signs(character_of(decaying_noise(t60_s, 1.4 * t60_s, kRate, seed)))) {
        if (sign.name == "keeps_stereo") continue;
        ASSERT_TRUE(sign.found) << sign.name << ": " << sign.why;
        EXPECT_EQ(*sign.found, sign.is_good)
            << sign.name << ", " << t60_s << " s, seed " << seed << ": " << *sign.value << ", limit " << sign.limit;
        EXPECT_LE(sign.badness(), 0) << sign.name;
      }
    }
  }
}

TEST(Signs, OfACombArePeriodicMetallicAndGrainy) {
  for (const double sign : {1.0, -1.0}) {
    const Character found = character_of(comb(29.7, 1.5, 2.1, sign));
    ASSERT_TRUE(found.periodicity);
    EXPECT_NEAR(found.periodicity->fine.period_s, 0.0297, 1e-4);
    EXPECT_GT(found.periodicity->fine.peak, 0.8);
    const std::vector<Sign> signs = find_signs(found);
    for (const char* name : {"periodic", "metallic", "grainy"}) EXPECT_TRUE(named(signs, name).found.value()) << name;
    for (const char* name : {"no_echo", "energy_evens_out"}) EXPECT_FALSE(named(signs, name).found.value()) << name;
  }
}

TEST(Signs, OfTwoCombsArePeriodicByHalf) {
  const Character found = character_of(sum(comb(29.7, 1.5, 2.1), comb(41.1, 1.5, 2.1)));
  EXPECT_NEAR(found.periodicity->fine.peak, 0.5, 0.07);
  EXPECT_TRUE(named(find_signs(found), "periodic").found.value());
}

TEST(Signs, OfFlutterArePeriodicInTheEnvelopeAlone) {
  std::vector<double> h = decaying_noise(1, 1.4, kRate, 3);  // bursts, each of other noise
  for (std::size_t n = 0; n < h.size(); ++n) h[n] *= std::fmod(static_cast<double>(n) / kRate, 0.06) < 0.02 ? 1 : 0.1;
  const Character found = character_of(h);
  EXPECT_LT(found.periodicity->fine.peak, kPeriodicOverNoise * found.periodicity->fine.noise_peak);
  EXPECT_NEAR(std::remainder(found.periodicity->envelope.period_s, 0.06), 0, 0.006);
  const Sign sign = named(find_signs(found), "periodic");
  EXPECT_TRUE(sign.found.value());
  EXPECT_EQ(sign.value, found.periodicity->envelope.peak);
}

TEST(Signs, MuddyIsALateLowMidThatOutweighs) {
  const std::vector<double> noise = decaying_noise(0.8, 1.2, kRate, 5);
  const double before = sign_of(noise, "muddy").value.value();
  const Sign louder = sign_of(sum(noise, within(125, 500, noise), 3), "muddy");
  EXPECT_TRUE(louder.found.value());
  EXPECT_NEAR(*louder.value - before, 12, 2);  // 1 + 3 times as loud within the band
  const std::vector<double> longer = decaying_noise(2.5, 1.2, kRate, 6);
  EXPECT_TRUE(sign_of(sum(noise, within(125, 500, longer), 1.5), "muddy").found.value());
}

TEST(Signs, NameTheBandThatStandsOut) {
  const std::vector<double> noise = decaying_noise(0.8, 2.2, kRate, 7);
  const Sign louder = sign_of(sum(noise, within(891, 1122, noise), 5), "band_prominent");
  EXPECT_TRUE(louder.found.value());
  EXPECT_EQ(louder.unit, "dB");
  EXPECT_NE(louder.why.find("1000 Hz"), std::string::npos) << louder.why;
  const Character longer = character_of(sum(noise, within(1782, 2245, decaying_noise(2, 2.2, kRate, 8))));
  ASSERT_TRUE(longer.balance.longest);
  EXPECT_EQ(longer.balance.longest->hz, 2000);
  EXPECT_NEAR(longer.balance.longest->value, 2 / 0.8, 0.5);
}

TEST(Signs, RingingIsAModeThatOutlivesItsBand) {
  const std::vector<double> noise = decaying_noise(0.5, 0.9, kRate, 9);
  const Character found = character_of(sum(noise, mode(700, 1.5, 0.9, 0.1)));
  ASSERT_TRUE(found.ringing);
  EXPECT_TRUE(found.ringing->alone);
  EXPECT_NEAR(found.ringing->hz, 700, 6);
  EXPECT_NEAR(found.ringing->ratio(), 3, 0.6);
  EXPECT_TRUE(named(find_signs(found), "ringing").found.value());
  EXPECT_FALSE(sign_of(sum(noise, mode(700, 0.5, 0.9, 1)), "ringing").found.value()) << "it dies with its band";
}

TEST(Signs, AToneInTheNoiseDoesNotRing) {
  std::vector<double> h = decaying_noise(0.6, 1.5, kRate, 10, -60);
  h = sum(h, mode(900, 1e6, 1.5, 3e-3));
  EXPECT_FALSE(sign_of(h, "ringing").found.value());
}

TEST(Signs, OfWhatIsOverInTimeSayWhyNothingIsKnown) {
  std::vector<double> h(4000, 0.0);
  h[0] = 1;
  for (const Sign& sign : find_signs(character_of(h))) {
    EXPECT_FALSE(sign.found) << sign.name;
    EXPECT_FALSE(sign.value) << sign.name;
    EXPECT_FALSE(sign.why.empty()) << sign.name;
  }
}

TEST(Signs, StereoIsKeptWhereTheLateChannelsDiffer) {
  Character character = character_of(decaying_noise(0.5, 0.8, kRate, 11));
  EXPECT_FALSE(named(find_signs(character), "keeps_stereo").found) << "one channel";
  character.iacc_late = 0.2;
  EXPECT_TRUE(named(find_signs(character), "keeps_stereo").found.value());
  character.iacc_late = 0.9;
  const Sign sign = named(find_signs(character), "keeps_stereo");
  EXPECT_FALSE(sign.found.value());
  EXPECT_NEAR(sign.badness(), 0.9 - kStereoIacc, 1e-12);
}

TEST(Signs, OfMeasuredRoomsAreNotThoseOfBadReverbsAndOfAPlateAreMetallic) {
  if (!std::filesystem::is_directory(shared_responses())) GTEST_SKIP() << "no measured responses (DIFFVERB_DATA)";
  const auto signs_of = [](const char* file) {
    const Audio audio = read_audio(shared_responses() / file);
    AnalysisOptions options;
    options.thirds = true;
    const std::vector<double> first = to_double(audio.channels[0]);
    return find_signs(characterize(first, analyze_channel(first, audio.rate_hz, options)));
  };
  for (const char* file : {"bbc_listening_room/BBCRD_LR_M+000.wav", "otala_listening_room/mic1_speaker1.wav",
                           "arni/arni_35_3541_4_2.wav", "decayfitnet/singleslope_00006_sh_rirs.wav"}) {
    const std::vector<Sign> signs = signs_of(file);
    for (const char* name : {"metallic", "grainy", "periodic", "muddy", "band_prominent"})
      EXPECT_FALSE(named(signs, name).found.value_or(false)) << file << " " << name;
    EXPECT_TRUE(named(signs, "no_echo").found.value()) << file;
    EXPECT_TRUE(named(signs, "highs_soft").found.value()) << file;
  }
  EXPECT_TRUE(named(signs_of("emt140_plate/emt_140_medium_3.wav"), "metallic").found.value());
}

TEST(Signs, HaveTheKeysThatScriptsRead) {
  const nlohmann::json json = to_json(find_signs(character_of(decaying_noise(0.5, 0.8, kRate, 12))));
  std::vector<std::string> names;
  for (const auto& one : json) {
    for (const char* key : {"sign", "kind", "found", "value", "limit", "unit", "why"})
      EXPECT_TRUE(one.contains(key)) << key;
    names.push_back(one["sign"]);
    EXPECT_TRUE(!one["found"].is_null() || one["value"].is_null());
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"metallic", "grainy", "periodic", "muddy", "band_prominent", "ringing", "no_echo",
                                      "lows_extend", "highs_soft", "keeps_stereo", "energy_evens_out"}));
}

TEST(Evenness, IsZeroForNoiseAndCountsTheSamplesThatCarryTheEnergy) {
  const std::vector<double> noise = synthetic::noise(4, kRate, 13);
  EXPECT_NEAR(measure_evenness(noise, noise, kRate)->late_bits, 0, 0.01);
  std::vector<double> echo(1200, 0.0);
  echo[10] = 1;
  const double one = -(std::log2(600.0) - kNoiseBits);  // 25 ms hold 600 samples
  EXPECT_NEAR(measure_evenness(echo, noise, kRate)->first_bits, one, 1e-12);
  echo[20] = -1;
  EXPECT_NEAR(measure_evenness(echo, noise, kRate)->first_bits, one + 1, 1e-12);
  EXPECT_NEAR(measure_evenness(echo, noise, kRate)->rise_bits(), -one - 1, 0.01);
  EXPECT_FALSE(measure_evenness(std::vector<double>(1200, 0.0), noise, kRate));
}

}  // namespace
}  // namespace diffverb::acoustics
