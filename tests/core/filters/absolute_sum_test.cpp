#include "core/filters/absolute_sum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/error.h"

namespace diffverb {
namespace {

/// By adding up the impulse response of the direct form.
double by_hand(const std::vector<double>& sos, int samples) {
  std::vector<double> x(static_cast<std::size_t>(samples));
  x[0] = 1;
  for (std::size_t s = 0; s < sos.size(); s += 5) {
    double z1 = 0, z2 = 0;
    for (double& value : x) {
      const double in = value;
      value = sos[s] * in + z1;
      z1 = sos[s + 1] * in - sos[s + 3] * value + z2;
      z2 = sos[s + 2] * in - sos[s + 4] * value;
    }
  }
  double sum = 0;
  for (const double value : x) sum += std::abs(value);
  return sum;
}

TEST(AbsoluteSum, IsThatOfTheImpulseResponseOfASection) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int trial = 0; trial < 60; ++trial) {
    const double r = 1 - std::pow(10, -3 * unit(random)), angle = 3.14159 * unit(random);
    std::vector<double> sos{unit(random) - 0.5, unit(random) - 0.5, unit(random) - 0.5, -2 * r * std::cos(angle),
                            r * r};
    if (trial % 4 == 0) sos[3] = -r * (unit(random) - 0.5), sos[4] = 0;
    const double sum = absolute_sum(sos.data(), 1), expected = by_hand(sos, 60000);
    EXPECT_GE(sum, expected * (1 - 1e-12));
    EXPECT_NEAR(sum, expected, 3e-9 * expected) << "r " << r << " angle " << angle;
  }
}

TEST(AbsoluteSum, OfSectionsInSeriesIsNeverTooSmall) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> sos;
    for (int s = 0; s < 3; ++s) {
      const double r = 0.95 * unit(random), angle = 3.14159 * unit(random);
      sos.insert(sos.end(), {1, unit(random), -unit(random), -2 * r * std::cos(angle), r * r});
    }
    EXPECT_GE(absolute_sum(sos.data(), 3), by_hand(sos, 5000));
  }
  EXPECT_EQ(absolute_sum(nullptr, 0), 1);
}

TEST(AbsoluteSum, RefusesWhatDoesNotDecay) {
  for (const auto& [a1, a2] : {std::pair{-2.0, 1.0}, {0.0, 1.0}, {-1.0, 0.0}, {0.0, 1.1}, {std::nan(""), 0.0}}) {
    const double sos[5] = {1, 0, 0, a1, a2};
    EXPECT_THROW(absolute_sum(sos, 1), ContractError) << a1 << " " << a2;
  }
}

}  // namespace
}  // namespace diffverb
