#pragma once

#include "models/term_model.h"
#include "runtime/weights.h"

namespace diffverb {

/// Puts a model beside a network: its linear response is added to the early part, its terms to those that are there.
/// Throws   ContractError where inputs, outputs or sample rate are others than the network's
void add_terms(const TermModel& model, runtime::DelayNetworkWeights& weights);

/// A model of terms alone as the runtime plays it: a network without lines.
runtime::DelayNetworkWeights to_weights(const TermModel& model);

}  // namespace diffverb
