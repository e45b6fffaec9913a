#include "datasets/simulate/image_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>

#include "core/error.h"
#include "datasets/simulate/band_sum.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

constexpr double kRate = 16000;

Shoebox small_room(std::size_t bands = 1) {
  Shoebox room;
  room.size_m = {2.3, 3.1, 2.7};
  room.source_m = {0.6, 1.2, 1.9};
  room.receiver_m = {1.7, 2.5, 0.8};
  for (int w = 0; w < 6; ++w)
    for (std::size_t b = 0; b < bands; ++b) room.reflection[w].push_back(0.9 - 0.1 * w - 0.05 * static_cast<double>(b));
  return room;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

struct Image {
  double gain = 0;
  int order = 0;
};
using Images = std::map<std::array<long, 3>, Image>;  // by position in micrometres

/// Every image up to an order, by mirroring at one wall after the other and keeping each place once.
Images mirrored(const Shoebox& room, int order, std::size_t band = 0) {
  const auto key = [](const Point& p) {
    return std::array<long, 3>{std::lround(p[0] * 1e6), std::lround(p[1] * 1e6), std::lround(p[2] * 1e6)};
  };
  Images all;
  std::map<std::array<long, 3>, Point> last{{key(room.source_m), room.source_m}};
  all[key(room.source_m)] = {1, 0};
  for (int n = 1; n <= order; ++n) {
    std::map<std::array<long, 3>, Point> next;
    for (const auto& [at, place] : last) {
      for (int wall = 0; wall < 6; ++wall) {
        Point image = place;
        const int axis = wall / 2;
        image[axis] = (wall % 2 ? 2 * room.size_m[axis] : 0) - image[axis];
        if (all.count(key(image))) continue;
        all[key(image)] = {all[at].gain * room.reflection[wall][band], n};
        next[key(image)] = image;
      }
    }
    last = next;
  }
  return all;
}

TEST(ImageSource, EqualsMirroringByHand) {
  const Shoebox room = small_room(2);
  const int order = 5;
  const std::size_t samples = 1000;
  ImageLimits limits;
  limits.max_order = order;
  const FractionalDelay delay(41, 4096);  // so fine that the table is the sinc
  const auto ours = image_source(room, limits, delay, samples, kRate);
  for (std::size_t b = 0; b < 2; ++b) {
    const Images images = mirrored(room, order, b);
    EXPECT_EQ(count_images(room, limits), static_cast<std::int64_t>(images.size()));
    std::vector<double> expected(samples, 0.0);
    for (const auto& [at, image] : images) {
      double square = 0;
      for (int a = 0; a < 3; ++a) square += std::pow(at[a] * 1e-6 - room.receiver_m[a], 2);
      const double distance = std::sqrt(square), time = distance / room.speed_m_s * kRate;
      const long whole = static_cast<long>(std::floor(time));
      for (long k = -20; k <= 20; ++k) {
        const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(k + 20) / 40);
        if (whole + k >= 0 && whole + k < static_cast<long>(samples))
          expected[whole + k] += image.gain / distance * window * sinc(static_cast<double>(whole + k) - time);
      }
    }
    for (std::size_t n = 0; n < samples; ++n) ASSERT_NEAR(ours.band(b)[ours.lead + n], expected[n], 2e-5) << n;
  }
}

TEST(ImageSource, AnOctahedronOfImages) {
  ImageLimits limits;
  for (const int n : {0, 1, 7, 80}) {
    limits.max_order = n;
    const std::int64_t m = n;
    EXPECT_EQ(count_images(small_room(), limits), (4 * m * m * m + 6 * m * m + 8 * m + 3) / 3);
  }
}

TEST(ImageSource, DirectSoundAndFirstReflectionsAreWhereGeometryPutsThem) {
  Shoebox room;
  room.speed_m_s = 320;  // 50 samples a metre
  room.size_m = {8, 6, 4};
  room.source_m = {2, 2, 1};
  room.receiver_m = {6, 2, 1};
  for (int w = 0; w < 6; ++w) room.reflection[w] = {0.5};
  ImageLimits limits;
  limits.max_order = 0;
  const auto direct = image_source(room, limits, FractionalDelay(), 400, kRate);
  for (std::size_t n = 0; n < 400; ++n)
    ASSERT_NEAR(direct.band(0)[direct.lead + n], n == 200 ? 1.0 / 4 : 0.0, 1e-7) << n;
  limits.max_order =
      1;  // x = 0 and x = 8 at 8 m, y = 0 at 4 sqrt 2 m, y = 6 at 4 sqrt 5, floor sqrt 20, ceiling sqrt 52
  const auto first = image_source(room, limits, FractionalDelay(), 600, kRate);
  double sum = 0;  // a windowed sinc adds up to 1, nearly
  for (std::size_t n = 0; n < 600; ++n) sum += first.band(0)[first.lead + n];
  const double expected =
      0.25 + 0.5 * (2.0 / 8 + 1 / std::sqrt(32.0) + 1 / std::sqrt(80.0) + 1 / std::sqrt(20.0) + 1 / std::sqrt(52.0));
  EXPECT_NEAR(sum, expected, 2e-3);
  EXPECT_NEAR(first.band(0)[first.lead + 400], 2 * 0.5 / 8, 2e-3);
}

TEST(ImageSource, DistanceLimitTakesASphereAndFadesIt) {
  const Shoebox room = small_room();
  ImageLimits limits;
  limits.max_distance_m = 12;
  std::int64_t inside = 0;
  for (const auto& [at, image] : mirrored(room, 16)) {
    double square = 0;
    for (int a = 0; a < 3; ++a) square += std::pow(at[a] * 1e-6 - room.receiver_m[a], 2);
    inside += square <= 144;
  }
  EXPECT_EQ(count_images(room, limits), inside);
  const auto plain = image_source(room, limits, FractionalDelay(), 600, kRate);
  limits.fade_m = 4;
  const auto faded = image_source(room, limits, FractionalDelay(), 600, kRate);
  const auto energy = [](const BandTrains& t, int from, int to) {
    double sum = 0;
    for (int n = from; n < to; ++n) sum += std::pow(t.band(0)[t.lead + n], 2);
    return sum;
  };
  EXPECT_EQ(energy(plain, 0, 320), energy(faded, 0, 320));  // 8 m: sample 373, less the kernel
  EXPECT_LT(energy(faded, 530, 600), 0.1 * energy(plain, 530, 600));
}

TEST(ImageSource, ThreadsAndJitterKeepTheSound) {
  const Shoebox room = small_room(3);
  ImageLimits limits;
  limits.max_distance_m = 20;
  const auto one = image_source(room, limits, FractionalDelay(), 900, kRate, 1);
  const auto three = image_source(room, limits, FractionalDelay(), 900, kRate, 3);
  EXPECT_EQ(three.data, image_source(room, limits, FractionalDelay(), 900, kRate, 3).data);
  for (std::size_t i = 0; i < one.data.size(); ++i) ASSERT_NEAR(one.data[i], three.data[i], 1e-5);

  limits.jitter_m = 0.1;
  limits.jitter_seed = 5;
  const auto moved = image_source(room, limits, FractionalDelay(), 900, kRate);
  EXPECT_EQ(moved.data, image_source(room, limits, FractionalDelay(), 900, kRate).data);
  EXPECT_NE(moved.data, one.data);
  limits.max_distance_m = 2.1;  // the direct sound alone, at 2.02 m
  ASSERT_EQ(count_images(room, limits), 1);
  const auto direct = image_source(room, limits, FractionalDelay(), 900, kRate);
  limits.jitter_m = 0;
  EXPECT_EQ(direct.data, image_source(room, limits, FractionalDelay(), 900, kRate).data);
}

TEST(ImageSource, RefusesWhatIsNoRoom) {
  const FractionalDelay delay;
  ImageLimits limits;
  limits.max_order = 2;
  Shoebox room = small_room();
  room.receiver_m[1] = 3.2;
  EXPECT_EQ(message_of<ContractError>([&] { image_source(room, limits, delay, 100, kRate); }),
            "image_source: a position is outside the room");
  room = small_room();
  room.reflection[3] = {1.1};
  EXPECT_NE(message_of<ContractError>([&] { image_source(room, limits, delay, 100, kRate); }).find("[0, 1]"),
            std::string::npos);
  room = small_room();
  room.size_m = {1e-4, 1e-4, 1e-4};
  room.source_m = room.receiver_m = {0, 0, 0};
  EXPECT_NE(message_of<ContractError>([&] { image_source(room, {}, delay, 100, kRate); }).find("1e10"),
            std::string::npos);
  EXPECT_THROW(FractionalDelay(80, 20), ContractError);
}

BandTrains impulse_trains(const std::vector<float>& levels, std::size_t samples, std::size_t at) {
  BandTrains trains;
  trains.bands = levels.size();
  trains.samples = trains.stride = samples;
  trains.data.assign(levels.size() * samples, 0.0f);
  for (std::size_t b = 0; b < levels.size(); ++b) trains.band(b)[at] = levels[b];
  return trains;
}

double magnitude(const std::vector<float>& h, double hz, double rate_hz) {
  double re = 0, im = 0;
  for (std::size_t n = 0; n < h.size(); ++n) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(n) / rate_hz;
    re += h[n] * std::cos(angle);
    im += h[n] * std::sin(angle);
  }
  return std::hypot(re, im);
}

TEST(BandSum, PassesOnWhatAllBandsHave) {
  const std::vector<double> edges{177, 354, 707};
  const auto sum = sum_bands(impulse_trains({0.5f, 0.5f, 0.5f, 0.5f}, 500, 200), edges, 0, 8000);
  for (std::size_t n = 0; n < sum.size(); ++n) ASSERT_EQ(sum[n], n == 200 ? 0.5f : 0.0f);
}

TEST(BandSum, GivesEachBandItsLevelWithoutPhase) {
  const std::vector<double> edges{125 * std::numbers::sqrt2, 250 * std::numbers::sqrt2, 500 * std::numbers::sqrt2};
  const std::vector<float> levels{1.0f, 0.5f, 0.8f, 0.3f};
  const auto sum = sum_bands(impulse_trains(levels, 8001, 4000), edges, 0, 8000);
  const double centres[] = {80, 250, 500, 2000};
  for (int b = 0; b < 4; ++b) EXPECT_NEAR(magnitude(sum, centres[b], 8000), levels[b], 0.02) << centres[b];
  for (std::size_t n = 0; n < 4000; ++n) ASSERT_NEAR(sum[n], sum[8000 - n], 1e-6);
  EXPECT_NEAR(magnitude(sum, edges[1], 8000), 0.65, 0.01);  // half way between its neighbours
}

TEST(BandSum, TakesAwayWhatIsBelowTheHighPass) {
  const auto sum = sum_bands(impulse_trains({1.0f, 1.0f}, 16001, 8000), std::vector<double>{200}, 20, 8000);
  EXPECT_NEAR(magnitude(sum, 0, 8000), 0, 1e-3);
  EXPECT_NEAR(magnitude(sum, 20, 8000), 0.5, 1e-2);
  EXPECT_NEAR(magnitude(sum, 100, 8000), 1, 5e-3);
  EXPECT_NEAR(magnitude(sum, 3000, 8000), 1, 1e-3);
}

TEST(BandSum, RefusesOtherBandsThanItHasEdgesFor) {
  EXPECT_THROW(sum_bands(impulse_trains({1, 1}, 10, 0), std::vector<double>{}, 0, 8000), ContractError);
  EXPECT_THROW(sum_bands(impulse_trains({1, 1, 1}, 10, 0), std::vector<double>{300, 200}, 0, 8000), ContractError);
  EXPECT_THROW(sum_bands(impulse_trains(std::vector<float>(9), 10, 0), std::vector<double>(8, 1.0), 0, 8000),
               ContractError);
}

}  // namespace
}  // namespace diffverb
