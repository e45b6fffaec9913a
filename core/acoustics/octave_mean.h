#pragma once

#include <optional>
#include <vector>

#include "core/acoustics/analysis.h"

namespace diffverb::acoustics {

using BandFigure = std::optional<double> (*)(const BandResult&);

inline std::optional<double> decay_s(const BandResult& band) { return band.t_s(); }
inline std::optional<double> early_decay_s(const BandResult& band) { return band.edt_s; }

/// Mean of a figure over two octaves, 500 Hz and 1 kHz unless others are named; nothing where one of them has none.
inline std::optional<double> octave_mean(const std::vector<BandResult>& octaves, BandFigure figure, double one_hz = 500,
                                         double other_hz = 1000) {
  double sum = 0;
  int found = 0;
  for (const BandResult& band : octaves) {
    if (band.hz != one_hz && band.hz != other_hz) continue;
    if (const auto value = figure(band)) sum += *value, ++found;
  }
  return found == 2 ? std::optional(sum / 2) : std::nullopt;
}

}  // namespace diffverb::acoustics
