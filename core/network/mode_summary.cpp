#include "core/network/mode_summary.h"

#include <algorithm>
#include <cmath>

namespace diffverb {
namespace {

constexpr double kFromHz = 200, kToHz = 4000;
constexpr double kBelowNyquist = 0.9;  // a filter of low order does as it likes above
constexpr double kHeard = 1e3;         // either way from the upper quartile of the residues; beyond: see mode_summary.h

/// Value below which a share of the numbers lies.
double quantile(std::vector<double> numbers, double share) {
  if (numbers.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(numbers.size() - 1));
  std::nth_element(numbers.begin(), numbers.begin() + at, numbers.end());
  return numbers[static_cast<std::size_t>(at)];
}

/// The modes in range that can be heard.
std::vector<Mode> heard(const std::vector<Mode>& modes, double rate_hz) {
  const double to_hz = std::min(kToHz, kBelowNyquist * rate_hz / 2);
  std::vector<Mode> out;
  std::vector<double> residues;
  for (const Mode& mode : modes) {
    if (mode.hz < kFromHz || mode.hz > to_hz) continue;
    out.push_back(mode);
    residues.push_back(std::abs(mode.residue));
  }
  const double common = quantile(std::move(residues), 0.75);
  std::erase_if(out, [&](const Mode& mode) {
    const double size = std::abs(mode.residue);
    return !(size > common / kHeard && size < common * kHeard);
  });
  return out;
}

double level_db(const Mode& mode) { return 20 * std::log10(std::abs(mode.residue)); }

void find_loudest(const std::vector<Mode>& modes, ModeSummary& summary) {
  struct Late {
    double hz, db;
  };
  std::vector<Late> late;
  for (const Mode& mode : modes) {
    const double fallen = std::isfinite(mode.t60_s) ? 60 * summary.t60_median_s / mode.t60_s : 0;
    late.push_back({mode.hz, level_db(mode) - fallen});
  }
  if (late.empty()) return;
  summary.loudest_late_db = -1e9;
  for (const Late& mode : late) {
    std::vector<double> near;
    const auto from = std::lower_bound(late.begin(), late.end(), mode.hz * std::exp2(-1.0 / 6),
                                       [](const Late& one, double hz) { return one.hz < hz; });
    for (auto at = from; at != late.end() && at->hz <= mode.hz * std::exp2(1.0 / 6); ++at) near.push_back(at->db);
    const double above = mode.db - quantile(near, 0.5);
    if (above > summary.loudest_late_db) summary.loudest_late_db = above, summary.loudest_late_hz = mode.hz;
  }
}

}  // namespace

ModeSummary summarize(const std::vector<Mode>& modes, double rate_hz) {
  ModeSummary summary;
  std::vector<double> t60, levels;
  for (const Mode& mode : modes) {
    summary.poles += mode.pole.imag() == 0 ? 1 : 2;
    if (std::isfinite(mode.t60_s)) t60.push_back(mode.t60_s);
  }
  const std::vector<Mode> audible = heard(modes, rate_hz);
  for (const Mode& mode : audible) levels.push_back(level_db(mode));
  summary.heard = audible.size();
  summary.density_per_hz = static_cast<double>(summary.poles) / rate_hz;
  summary.t60_shortest_s = quantile(t60, 0);
  summary.t60_p10_s = quantile(t60, 0.1);
  summary.t60_median_s = quantile(t60, 0.5);
  summary.t60_p90_s = quantile(t60, 0.9);
  summary.t60_longest_s = quantile(t60, 1);
  double mean = 0, square = 0;
  for (const double level : levels) mean += level / static_cast<double>(levels.size());
  for (const double level : levels) square += (level - mean) * (level - mean) / static_cast<double>(levels.size());
  summary.spread_db = std::sqrt(square);
  find_loudest(audible, summary);
  return summary;
}

}  // namespace diffverb
