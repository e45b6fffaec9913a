#include "runtime/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace diffverb::runtime::testing {
namespace {

using Values = std::vector<std::complex<double>>;

Values random_values(std::size_t size) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  Values values(size);
  for (auto& value : values) value = {normal(random), normal(random)};
  return values;
}

/// One bin of the definition.
std::complex<double> bin_of(const Values& values, std::size_t bin, bool inverse) {
  std::complex<double> sum = 0;
  for (std::size_t n = 0; n < values.size(); ++n) {
    const double angle =
        2 * std::numbers::pi * static_cast<double>(bin * n % values.size()) / static_cast<double>(values.size());
    sum += values[n] * std::polar(1.0, inverse ? angle : -angle);
  }
  return sum;
}

TEST(OracleTransform, IsTheDefinitionsSum) {
  for (const std::size_t size : {1, 2, 3, 4, 5, 6, 8, 9, 15, 16, 27, 32, 60, 64, 125, 128, 243, 512, 1000, 1024}) {
    const Values values = random_values(size);
    for (const bool inverse : {false, true}) {
      Values out = values;
      transform(out, inverse);
      for (std::size_t bin = 0; bin < size; ++bin)
        ASSERT_LT(std::abs(out[bin] - bin_of(values, bin, inverse)), 1e-13 * static_cast<double>(size) + 1e-14)
            << size << " numbers, bin " << bin;
    }
  }
}

TEST(OracleTransform, IsThatOfManyNumbersToo) {
  for (const std::size_t size : {131072, 9 * 65536, 3 * 3 * 5 * 5 * 4096}) {
    const Values values = random_values(size);
    Values out = values;
    transform(out, false);
    for (const std::size_t bin : {std::size_t{0}, std::size_t{1}, size / 3 + 1, size / 2, size - 1})
      EXPECT_LT(std::abs(out[bin] - bin_of(values, bin, false)), 1e-9) << size << " numbers, bin " << bin;
    transform(out, true);
    double worst = 0;
    for (std::size_t n = 0; n < size; ++n)
      worst = std::max(worst, std::abs(out[n] / static_cast<double>(size) - values[n]));
    EXPECT_LT(worst, 1e-12) << size;
  }
}

TEST(Transform, LeavesNothingAsItIs) {
  Values none;
  transform(none, false);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace diffverb::runtime::testing
