#pragma once

#include <string>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// The same network without filter lines (0 samples), which pyFDN's format does not have. What a filter line does is
/// given to lines with a delay, exactly:
///
///   before: for every line k that feeds it, a line beside k (k's input and delay, k's filter and then this one);
///   behind: for every line j that it feeds, a line beside j (this one's input, its filter and then j's), where j takes
///           something else too; else j itself.
///
/// The way that needs fewer lines is taken; one that only multiplies goes into the matrices.
/// Returns an empty string, or the reason: the input reaches the output through filter lines alone, or the network
/// becomes too large.
std::string absorb_filter_lines(const DelayNetworkWeights& weights, DelayNetworkWeights& out);

}  // namespace diffverb::runtime
