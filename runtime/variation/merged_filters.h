#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The same network with filters in series where one stood beside a direct way: a filter line f that is heard by one line g
/// alone, which takes c times what f takes beside it, v_g = c v_f + a h_f v_f + whatever else. Then f filters by c + a h_f,
/// in as many sections, and g hears that. Shelves that are made so (a low-pass and a gain) hide from matrix_losses.h what a
/// loop loses: its matrix has no energy that it keeps.
DelayNetworkWeights with_merged_filters(const DelayNetworkWeights& weights);

/// Sections of share + gain H, H a stable cascade of two at most: the same poles, and the zeros of the sum. Empty where it has
/// fewer zeros than H has poles.
std::vector<Biquad> sum_with_direct(const std::vector<Biquad>& cascade, double share, double gain);

}  // namespace diffverb::runtime
