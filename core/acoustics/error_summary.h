#pragma once

#include <vector>

#include "core/acoustics/comparison.h"

namespace diffverb::acoustics {

/// Errors of one band; see BandErrors.
BandErrors band_errors(const BandResult& target, const BandResult& other);

/// Median or largest magnitude of each error over bands; empty where no band has it.
ErrorSummary median_of(const std::vector<BandErrors>& bands);
ErrorSummary worst_of(const std::vector<BandErrors>& bands);

/// Band by band the error of the channel where its magnitude is largest. Channels have equal bands.
std::vector<BandErrors> largest_by_band(const std::vector<std::vector<BandErrors>>& channels);

/// Root mean square of the level errors less their mean; empty for fewer than two.
std::optional<double> level_shape(const std::vector<BandErrors>& bands);

}  // namespace diffverb::acoustics
