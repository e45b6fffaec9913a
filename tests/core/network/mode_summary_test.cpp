#include "core/network/mode_summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace diffverb {
namespace {

constexpr double kRate = 16000;

Mode mode_at(double hz, double t60_s, double level_db) {
  Mode mode;
  mode.hz = hz;
  mode.t60_s = t60_s;
  mode.pole = std::polar(0.999, 2 * std::numbers::pi * hz / kRate);
  mode.residue = std::pow(10.0, level_db / 20);
  return mode;
}

/// 300, 310 ... 3500 Hz, 1 s each, two levels by turns.
std::vector<Mode> comb_of_modes() {
  std::vector<Mode> modes;
  for (int k = 0; k <= 320; ++k) modes.push_back(mode_at(300 + 10 * k, 1, k % 2 == 0 ? -43 : -37));
  return modes;
}

TEST(ModeSummary, CountsPolesAndSaysHowEvenTheirLevelsAre) {
  std::vector<Mode> modes = comb_of_modes();
  Mode real;
  real.pole = 0.5;
  real.hz = 0;
  real.t60_s = 0.001;
  modes.insert(modes.begin(), real);
  const ModeSummary s = summarize(modes, kRate);
  EXPECT_EQ(s.poles, 2 * 321 + 1u);
  EXPECT_DOUBLE_EQ(s.density_per_hz, 643 / kRate);
  EXPECT_EQ(s.heard, 321u);
  EXPECT_NEAR(s.spread_db, 3, 0.01);
  EXPECT_EQ(s.t60_shortest_s, 0.001);
  EXPECT_EQ(s.t60_p10_s, 1);
  EXPECT_EQ(s.t60_median_s, 1);
  EXPECT_EQ(s.t60_longest_s, 1);
  EXPECT_LE(s.loudest_late_db, 6.01);
}

TEST(ModeSummary, FindsTheModeThatRingsOn) {
  std::vector<Mode> modes = comb_of_modes();
  modes[100] = mode_at(1300, 2, -40);  // 30 dB less fallen after the others' 60
  const ModeSummary s = summarize(modes, kRate);
  EXPECT_EQ(s.loudest_late_hz, 1300);
  EXPECT_NEAR(s.loudest_late_db, 30, 3.1);
  modes[100].t60_s = std::numeric_limits<double>::infinity();
  EXPECT_NEAR(summarize(modes, kRate).loudest_late_db, 60, 3.1);
}

TEST(ModeSummary, LeavesOutWhatCannotBeHeard) {
  std::vector<Mode> modes = comb_of_modes();
  for (std::size_t k = 0; k < modes.size(); k += 3) modes[k].residue = 1e-17;  // the other side's combs
  const ModeSummary s = summarize(modes, kRate);
  EXPECT_EQ(s.heard, 214u);
  EXPECT_LT(s.spread_db, 3.1);
  EXPECT_LT(s.loudest_late_db, 6.1);
  // Equal poles: two residues that cancel, each without measure.
  modes = comb_of_modes();
  modes[50].residue = 1e7;
  modes[51].residue = -1e7;
  EXPECT_EQ(summarize(modes, kRate).heard, 319u);
  // Above 0.45 of the rate a filter of low order does as it likes.
  modes = comb_of_modes();
  EXPECT_LT(summarize(modes, 6000).heard, 321u);
  EXPECT_EQ(summarize({}, kRate).poles, 0u);
  EXPECT_EQ(summarize({}, kRate).loudest_late_db, 0);
}

}  // namespace
}  // namespace diffverb
