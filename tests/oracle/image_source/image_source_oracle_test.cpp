#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/simulate/image_source.h"

namespace diffverb {
namespace {

// pyroomacoustics keeps positions and attenuations in single precision: 1e-4 of the largest sample is what is left.
TEST(OracleImageSource, AgreesWithPyroomacousticsSampleBySample) {
  std::ifstream file(std::string(DIFFVERB_SOURCE_DIR) + "/tests/oracle/image_source/expected.json");
  const auto expected = nlohmann::json::parse(file);
  for (const auto& one : expected["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    Shoebox room;
    room.size_m = one["size_m"].get<Point>();
    room.source_m = one["source_m"].get<Point>();
    room.receiver_m = one["receiver_m"].get<Point>();
    room.speed_m_s = one["speed_m_s"];
    for (int w = 0; w < 6; ++w)
      for (const double a : one["absorption"][w].get<std::vector<double>>())
        room.reflection[w].push_back(std::sqrt(1 - a));
    ImageLimits limits;
    limits.max_order = one["order"];
    EXPECT_EQ(count_images(room, limits), one["images"].get<std::int64_t>());

    const auto theirs = one["trains"].get<std::vector<std::vector<float>>>();
    const auto ours = image_source(room, limits, FractionalDelay(one["taps"], one["phases"]), theirs[0].size(),
                                   one["rate_hz"].get<double>());
    ASSERT_EQ(ours.bands, theirs.size());
    for (std::size_t b = 0; b < ours.bands; ++b) {
      double largest = 0, error = 0;
      for (std::size_t n = 0; n < theirs[b].size(); ++n) {
        largest = std::max(largest, std::abs(static_cast<double>(theirs[b][n])));
        error = std::max(error, std::abs(static_cast<double>(theirs[b][n]) - ours.band(b)[ours.lead + n]));
      }
      EXPECT_GT(largest, 0.1);
      EXPECT_LT(error, 1e-4 * largest) << "band " << b;
    }
  }
}

}  // namespace
}  // namespace diffverb
