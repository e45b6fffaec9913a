#pragma once

namespace diffverb {

/// sum over n of |h(n)| of sections in series, from above: the most that a filter can make of an input within +-1.
///
/// The product of the sections' own sums, each exact to 1e-9: the impulse response is added up until its state is faint,
/// and what follows is bounded by a power M^k of the companion matrix whose norm is below 1/2.
/// Reads    sos [sections, 5] b0 b1 b2 a1 a2, stable
/// Throws   ContractError for a section that is not stable, or whose poles are nearer than some 1e-7 to the unit circle
double absolute_sum(const double* sos, int sections);

}  // namespace diffverb
