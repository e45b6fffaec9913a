#include "datasets/measured_pair.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "core/spectral/response_estimate.h"
#include "tests/pairs.h"
#include "tests/rooms.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

constexpr double kRate = 16000;

std::vector<float> short_room() {
  const auto room = NoiseRoom{.seconds = 0.1, .t60_s = 0.2}.channel(0);
  return {room.begin(), room.end()};
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

struct PairFiles {
  Scratch scratch;
  Audio dry{kRate, {noise_bursts(3, 1)}}, wet{kRate, {through_room(noise_bursts(3, 1), short_room())}};
  MeasuredPair read() {
    write_audio(scratch / "dry.wav", dry);
    write_audio(scratch / "wet.wav", wet);
    return read_measured_pair(scratch / "dry.wav", scratch / "wet.wav");
  }
  std::string refused() {
    return message_of<DataError>([&] { read(); });
  }
};

class PairDelay : public testing::TestWithParam<std::int64_t> {};

TEST_P(PairDelay, IsFoundToTheSampleAndRemoved) {
  PairFiles files;
  const std::int64_t delay = GetParam();
  files.wet.channels = {through_room(files.dry.channels[0], short_room(), delay)};
  const MeasuredPair pair = files.read();
  EXPECT_EQ(pair.arrival.delay_samples, delay);
  EXPECT_EQ(pair.removed_samples, delay >= 0 && delay <= 64 ? 0 : delay - 64);
  const auto h = estimate_response(pair.dry[0], pair.wet, 1600);
  const std::int64_t left = delay - pair.removed_samples;
  EXPECT_NEAR(h[0][left].item<double>(), 0.6, 0.01);  // the direct sound stands where the pair says
  EXPECT_NE(all_of(pair.notes).find(std::to_string(std::abs(delay)) + " samples"), std::string::npos)
      << all_of(pair.notes);
}

INSTANTIATE_TEST_SUITE_P(Samples, PairDelay, testing::Values(0, 1, 64, 65, 777, 9001, -1, -500));

TEST(MeasuredPair, LeastSquaresFindTheResponse) {
  PairFiles files;
  const MeasuredPair pair = files.read();
  const auto room = short_room();
  const auto h = estimate_response(pair.dry[0], pair.wet, static_cast<std::int64_t>(room.size()));
  double error = 0, energy = 0;
  for (std::size_t k = 0; k < room.size(); ++k) {
    error += std::pow(h[0][static_cast<std::int64_t>(k)].item<double>() - room[k], 2);
    energy += room[k] * room[k];
  }
  EXPECT_LT(10 * std::log10(error / energy), -40);
}

TEST(MeasuredPair, SeveralChannelsKeepTheirOrderAndLevel) {
  PairFiles files;
  auto late = through_room(files.dry.channels[0], short_room(), 40);
  for (float& value : late) value *= 0.25f;
  files.wet.channels.push_back(late);
  const MeasuredPair pair = files.read();
  EXPECT_EQ(pair.arrival.delay_samples, 0);
  const auto h = estimate_response(pair.dry[0], pair.wet, 1600);
  EXPECT_NEAR(h[0][0].item<double>(), 0.6, 0.01);
  EXPECT_NEAR(h[1][40].item<double>(), 0.15, 0.01);
}

TEST(MeasuredPair, UnequalLengthsAreCutAndSaid) {
  PairFiles files;
  files.wet.channels[0].resize(files.wet.channels[0].size() + 8000, 0.0f);
  const MeasuredPair pair = files.read();
  EXPECT_EQ(pair.dry.size(1), 48000);
  EXPECT_EQ(pair.wet.size(1), 48000);
  EXPECT_NE(all_of(pair.notes).find("cut to the 3.00 s that both have"), std::string::npos) << all_of(pair.notes);
}

TEST(MeasuredPair, DcIsRemovedAndSaid) {
  PairFiles files;
  for (float& value : files.wet.channels[0]) value += 0.05f;
  const MeasuredPair pair = files.read();
  EXPECT_LT(std::abs(pair.wet.mean().item<double>()), 1e-9);
  EXPECT_NE(all_of(pair.notes).find("wet.wav: DC of 0.0"), std::string::npos) << all_of(pair.notes);
}

TEST(MeasuredPair, ClippingIsSaid) {
  PairFiles files;
  for (float& value : files.wet.channels[0]) value = std::clamp(value, -0.1f, 0.1f);
  EXPECT_NE(all_of(files.read().warnings).find("clipped"), std::string::npos);
}

TEST(MeasuredPair, FilesWithoutRelationAreRefusedWithTheNumbers) {
  for (const std::uint64_t seed : {2, 3, 4, 5}) {
    PairFiles files;
    files.wet.channels = {through_room(noise_bursts(3, seed), short_room())};
    const std::string message = files.refused();
    EXPECT_NE(message.find("has nothing to do with"), std::string::npos) << message;
    EXPECT_NE(message.find("dB above its surroundings (unrelated sounds: up to"), std::string::npos) << message;
  }
}

TEST(MeasuredPair, ARelationUnderEqualNoiseIsFound) {
  PairFiles files;
  const auto noise = noise_bursts(3, 99);
  for (std::size_t n = 0; n < noise.size(); ++n) files.wet.channels[0][n] += 0.6f * noise[n];
  EXPECT_EQ(files.read().arrival.delay_samples, 0);
}

/// Nothing but a decay: no sample of it stands out.
TEST(MeasuredPair, ADiffuseSpaceIsRelated) {
  PairFiles files;
  files.dry.channels = {noise_bursts(8, 1)};
  files.wet.channels.clear();
  for (int c = 0; c < 2; ++c) {
    auto h = NoiseRoom{.seconds = 0.5, .t60_s = 0.6, .floor_db = -100}.channel(c);
    h[0] = 0;
    files.wet.channels.push_back(through_room(files.dry.channels[0], {h.begin(), h.end()}, 700));
  }
  const MeasuredPair pair = files.read();
  EXPECT_GT(pair.arrival.share, pair.arrival.unrelated_share);
  EXPECT_NEAR(static_cast<double>(pair.arrival.delay_samples), 700, 20);
}

TEST(MeasuredPair, BadFilesAreRefusedInOneLine) {
  const auto expect = [](const std::string& part, const auto& spoil) {
    PairFiles files;
    spoil(files);
    const std::string message = files.refused();
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  };
  expect("has 44100 Hz", [](PairFiles& f) { f.wet.rate_hz = 44100; });
  expect("silent (all zeros); expected a recording",
         [](PairFiles& f) { std::fill(f.dry.channels[0].begin(), f.dry.channels[0].end(), 0.0f); });
  expect("silent but for DC",
         [](PairFiles& f) { std::fill(f.wet.channels[0].begin(), f.wet.channels[0].end(), 0.25f); });
  expect("expected 1 to 2", [](PairFiles& f) { f.dry.channels.resize(3, f.dry.channels[0]); });
  expect("0.50 s in common", [](PairFiles& f) { f.wet.channels[0].resize(8000); });
  const Scratch scratch;
  write_audio(scratch / "dry.wav", {kRate, {noise_bursts(1, 1)}});
  const std::string missing =
      message_of<DataError>([&] { read_measured_pair(scratch / "dry.wav", scratch / "no.wav"); });
  EXPECT_NE(missing.find("no.wav"), std::string::npos) << missing;
}

}  // namespace
}  // namespace diffverb
