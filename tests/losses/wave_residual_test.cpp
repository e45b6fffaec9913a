#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "tests/losses/loss_fixture.h"

namespace diffverb {
namespace {

constexpr double kSpeed = 343;  // m/s
using Point = std::array<double, 3>;

/// A burst of 400 Hz, smooth everywhere.
double burst(double t_s) {
  const double x = (t_s - 0.01) / 0.002;
  return std::exp(-x * x) * std::sin(2 * std::numbers::pi * 400 * t_s);
}

double plane_wave(const Point& at, double t_s) {
  const Point way = {0.48, 0.6, 0.64};  // a unit vector
  return burst(t_s - (way[0] * at[0] + way[1] * at[1] + way[2] * at[2]) / kSpeed);
}

double wave_along_the_line(const Point& at, double t_s) { return burst(t_s - at[0] / kSpeed); }

double wave_around_a_source(const Point& at, double t_s) {
  const double r_m = std::hypot(at[0] + 1.1, at[1] + 0.4, at[2] + 0.7);
  return burst(t_s + 1.2 / kSpeed - r_m / kSpeed) / r_m;
}

struct Grid {
  std::array<std::int64_t, 3> points;
  double spacing_m, rate_hz;

  template <typename Field>
  at::Tensor sample(Field field) const {
    const auto samples = static_cast<std::int64_t>(0.022 * rate_hz);
    auto out = at::zeros({1, points[0] * points[1] * points[2], samples}, at::kDouble);
    auto* to = out.data_ptr<double>();
    for (std::int64_t x = 0; x < points[0]; ++x) {
      for (std::int64_t y = 0; y < points[1]; ++y) {
        for (std::int64_t z = 0; z < points[2]; ++z) {
          for (std::int64_t n = 0; n < samples; ++n)
            *to++ = field(Point{spacing_m * static_cast<double>(x), spacing_m * static_cast<double>(y),
                                spacing_m * static_cast<double>(z)},
                          static_cast<double>(n) / rate_hz);
        }
      }
    }
    return out;
  }

  double residual(const at::Tensor& field, const std::string& more = "") const {
    const std::string yaml = "{points: [" + std::to_string(points[0]) + ", " + std::to_string(points[1]) + ", " +
                             std::to_string(points[2]) + "], spacing_m: [" + std::to_string(spacing_m) + "]" + more +
                             "}";
    return value(*make_loss("wave_residual", yaml), field, field, rate_hz);
  }
};

/// How many times smaller L is on a grid twice as fine.
template <typename Field>
double gain(std::array<std::int64_t, 3> points, Field field, int order) {
  const std::string key = ", order: " + std::to_string(order);
  const Grid coarse{points, 0.06, 8000}, fine{points, 0.03, 16000};
  return coarse.residual(coarse.sample(field), key) / fine.residual(fine.sample(field), key);
}

TEST(OracleWaveResidual, OfAWaveAlongALineFallsAsTheDifferencesSay) {
  EXPECT_NEAR(gain({7, 1, 1}, wave_along_the_line, 2), 16, 3);
  EXPECT_NEAR(gain({7, 1, 1}, wave_along_the_line, 4), 256, 60);
}

TEST(OracleWaveResidual, OfWavesInSpaceFallsAsTheDifferencesSay) {
  EXPECT_NEAR(gain({5, 5, 5}, plane_wave, 2), 16, 3);
  EXPECT_NEAR(gain({5, 5, 5}, plane_wave, 4), 256, 60);
  EXPECT_NEAR(gain({3, 3, 3}, wave_around_a_source, 2), 16, 4);
}

TEST(WaveResidual, TellsAWaveFromNoise) {
  const Grid grid{{5, 5, 5}, 0.03, 16000};
  const auto wave = grid.sample(plane_wave);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  EXPECT_LT(grid.residual(wave), 1e-4);
  EXPECT_GT(grid.residual(at::randn(wave.sizes(), generator, at::kDouble)), 0.3);
  EXPECT_GT(grid.residual(wave, ", speed_m_s: 200"), 0.05) << "a wave of another medium";
  EXPECT_GT(grid.residual(wave.flip(1).slice(1, 0, 125).roll(7, 1)), 0.1) << "microphones in another order";
}

TEST(WaveResidual, IsBlindToLevelAndZeroAtSilence) {
  const Grid grid{{3, 3, 1}, 0.03, 16000};
  const auto field = grid.sample([](const Point& at, double t_s) { return plane_wave({at[0], at[1], 0}, t_s); });
  EXPECT_NEAR(grid.residual(field * 1e-3), grid.residual(field), 1e-9);
  auto loss = make_loss("wave_residual", "{points: [3, 3], spacing_m: [0.03]}");
  EXPECT_EQ(value(*loss, at::zeros_like(field), field, 16000), 0);
}

TEST(WaveResidual, LeavesOutWhatTheGridIsTooCoarseFor) {
  // Beside the burst a wave of 4 kHz, whose length is less than three spacings.
  const Grid grid{{5, 5, 5}, 0.03, 16000};
  const auto both = grid.sample([](const Point& at, double t_s) {
    return plane_wave(at, t_s) + 0.3 * std::sin(2 * std::numbers::pi * 4000 * (t_s - at[0] / kSpeed));
  });
  EXPECT_GT(grid.residual(both), 0.02);
  EXPECT_LT(grid.residual(both, ", to_hz: 1000"), grid.residual(both) / 20);
}

TEST(WaveResidual, RefusesWhatIsNoGrid) {
  EXPECT_THROW(make_loss("wave_residual", "points: [2, 2, 2, 2]"), ConfigError);
  EXPECT_THROW(make_loss("wave_residual", "{points: [4, 4], spacing_m: [0.1, 0.1, 0.1]}"), ConfigError);
  EXPECT_THROW(make_loss("wave_residual", "order: 3"), ConfigError);
  const Grid grid{{3, 3, 1}, 0.03, 16000};
  const auto field = grid.sample(plane_wave);
  EXPECT_THROW(value(*make_loss("wave_residual", "points: [3, 4]"), field, field, 16000), ContractError);
  EXPECT_THROW(value(*make_loss("wave_residual", "{points: [3, 3], order: 4}"), field, field, 16000), ContractError);
  EXPECT_THROW(value(*make_loss("wave_residual"), field.slice(1, 0, 2), field.slice(1, 0, 2), 16000), ContractError);
}

}  // namespace
}  // namespace diffverb
