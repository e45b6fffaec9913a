#pragma once

#include "models/term_model.h"
#include "runtime/weights.h"

namespace diffverb {

/// Puts a model beside a network: its linear response is added to the early part, its terms to those that are there.
/// Throws   ContractError where inputs, outputs or sample rate are others than the network's
void add_terms(const TermModel& model, runtime::DelayNetworkWeights& weights);

/// A model of signals as the runtime plays it; one of terms alone is a network without lines, a hybrid its linear part
/// with the terms beside it.
/// Throws   ContractError for a model that the runtime has nothing for
runtime::DelayNetworkWeights to_weights(const SignalModel& model);

}  // namespace diffverb
