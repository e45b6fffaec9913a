#pragma once

#include <vector>

#include "datasets/importer.h"

namespace diffverb {

/// A response through a filter, its delay taken out, times a gain; as long as it was.
void apply_filter(const ImportFilter& filter, double gain_db, std::vector<float>& samples);

}  // namespace diffverb
