#pragma once

#include "core/solvers/frequency_bin.h"
#include "core/solvers/frequency_tensors.h"
#include "core/solvers/solver_tensors.h"

namespace diffverb {

/// The per-bin routine's problem, of tensors that live on the device its lanes run on.
template <typename S>
BinProblem<S> bin_problem_of(const FrequencyTensors& t) {
  BinProblem<S> p;
  point_to<S>(p, t);
  p.networks = static_cast<int>(t.networks());
  p.bins = static_cast<int>(t.omega.size(0));
  p.delays = t.delays.const_data_ptr<double>();
  p.omega = t.omega.const_data_ptr<double>();
  p.radius = t.radius;
  return p;
}

}  // namespace diffverb
