#pragma once

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The same network with filters in series where one stood beside a direct way: a filter line f of one section, heard by one
/// line g alone, which else takes c times what f takes, v_g = c v_f + a h_f v_f. Then f gets the section c + a h_f and g takes
/// from f alone. Shelves that are made so (a low-pass and a gain) hide from matrix_losses.h what a loop loses: its matrix
/// has no energy that it keeps.
DelayNetworkWeights with_merged_filters(const DelayNetworkWeights& weights);

}  // namespace diffverb::runtime
