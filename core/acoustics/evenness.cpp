#include "core/acoustics/evenness.h"

#include <algorithm>
#include <cmath>

namespace diffverb::acoustics {
namespace {

/// h of one window; nothing for silence.
std::optional<double> bits_of(std::span<const double> window) {
  double energy = 0, weighted = 0;
  for (const double value : window) energy += value * value;
  if (!(energy > 0)) return std::nullopt;
  for (const double value : window) {
    const double share = value * value / energy;
    if (share > 0) weighted += share * std::log2(share);
  }
  return -weighted - (std::log2(static_cast<double>(window.size())) - kNoiseBits);
}

}  // namespace

std::optional<Evenness> measure_evenness(std::span<const double> response, std::span<const double> late,
                                         double rate_hz) {
  const auto length = static_cast<std::size_t>(std::max(1L, std::lround(kEvennessWindowSeconds * rate_hz)));
  if (std::min(response.size(), late.size()) < length) return std::nullopt;
  const auto first = bits_of(response.first(length));
  double sum = 0;
  int count = 0;
  for (std::size_t at = 0; at + length <= late.size(); at += length) {
    if (const auto bits = bits_of(late.subspan(at, length))) sum += *bits, ++count;
  }
  if (!first || count == 0) return std::nullopt;
  return Evenness{*first, sum / count};
}

}  // namespace diffverb::acoustics
