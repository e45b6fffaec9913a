#include "core/acoustics/tail.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "core/error.h"

namespace diffverb::acoustics {
std::size_t fallen_by(std::span<const double> response, double fall_db) {
  double whole = 0;
  for (const double value : response) whole += value * value;
  const double least = whole * std::pow(10.0, -fall_db / 10);
  double to_come = 0;
  std::size_t at = response.size();
  while (at > 0 && to_come + response[at - 1] * response[at - 1] < least) {
    to_come += response[at - 1] * response[at - 1];
    --at;
  }
  return at;
}

Tail measure_tail(std::span<const double> response, double rate_hz, const EchoDensity& density) {
  if (!(rate_hz > 0)) throw ContractError("measure_tail: rate_hz must be positive, got " + std::to_string(rate_hz));
  const auto from = static_cast<std::size_t>(std::lround(kTailFromSeconds * rate_hz));
  const std::size_t to = fallen_by(response, kTailFallDb);
  Tail tail;
  tail.from_s = kTailFromSeconds;
  tail.to_s = std::max(kTailFromSeconds, static_cast<double>(to) / rate_hz);
  if (to <= from) return tail;
  tail.spectrum = measure_late_spectrum(response.subspan(from, to - from), rate_hz);
  tail.echo_density = mean_echo_density(density, tail.from_s, tail.to_s);
  tail.metallic =
      tail.spectrum && (tail.spectrum->isolated_pct >= kMetallicPct || tail.spectrum->spread_db >= kMetallicSpreadDb);
  tail.grainy = tail.echo_density && *tail.echo_density < kGrainyDensity;
  return tail;
}

}  // namespace diffverb::acoustics
