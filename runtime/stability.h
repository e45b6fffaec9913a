#pragma once

#include <string>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Decides whether the loop of a delay network decays. Every h_j must be stable by itself. With G(f) = diag(h_j(f)
/// z^-m_j) the loop is stable where, in each group of lines that feed one another (a strongly connected part of A;
/// groups in series or in parallel cannot make each other unstable), one of these holds, tried in this order:
///
///   1. ||A diag|h(f)| ||_2 < 1 over every interval of frequencies (small-gain theorem);
///   2. the same for T A T^-1 with a positive diagonal T, which commutes with G: allpass lattices need it;
///   3. the spectral radius of |A| diag(max|h|) < 1 (Perron): chains, and loops whose gains sum to less than 1;
///   4. over every interval of frequencies 2 or 3 holds with the gains of that interval: no eigenvalue of A G then
///      leaves the unit disc at any frequency, so none can turn around 1 (generalised Nyquist criterion);
///   5. a loop full of noise falls by 180 dB within a bounded time, in double precision.
///
/// 1 to 4 are proofs: |h| is bounded over each interval from above by exact extrema of its sections, not sampled. 5 is
/// evidence, for what 1 to 4 cannot reach. All of it together takes a second or two at 256 lines. Filter lines (0
/// samples) are lines like the others in all of this: a loop without delay has been refused before (network_check.h).
/// A network whose matrix turns must lose energy at every turn: ||turn_left|| max radius ||turn_right diag(max|h|)|| < 1 in
/// each such group, which bounds the energy of a loop that changes over time; 1 to 5 would not. A delay that
/// moves by more than 0.02 samples a sample counts in all proofs with 1 / sqrt(1 - speed), for what that adds to the
/// energy; slower ones as at rest, where the interpolation is no louder than 1.
/// A nonlinear loop must fall silent: 1 to 4 decide of small signals, and with g = ||A diag(max|h|)||_2, h =
/// max|h| and its strength (nonlinear_loop.h) of loud ones: largest_gain(g, h^2 strength, limit, N) < 1, by which
/// ||v||_2 over all time is bounded by what was in it and came in, since ||s_j||_2 <= max|h_j| ||v_j||_2; or 5, with the
/// lines as full as the limit lets them be, of noise and of a constant up and down, which is evidence of these three states
/// alone. That its output is bounded needs none of this.
/// Returns an empty string, or the reason why the network is not accepted: it was heard to grow, or what could not be
/// shown and how far 5 came.
/// Source: Schlecht & Habets, "On lossless feedback delay networks", IEEE TSP 65(6), 2017, for T.
std::string check_stability(const DelayNetworkWeights& weights);

/// An upper bound of the linear gain of any loop at any frequency: the least of what 1 to 3 show, of the loop where that is
/// largest; of a turning matrix the norm above. Below 1 a stable loop, and how far below a margin; a loop that 4 or 5
/// accepted may lie above. 0 where nothing comes back to itself.
double loop_gain_bound(const DelayNetworkWeights& weights);

/// An upper bound of max |H| of a cascade, exact to 1e-6 relative; by branch and bound over frequency.
double peak_gain(const Biquad* sections, int count);

}  // namespace diffverb::runtime
