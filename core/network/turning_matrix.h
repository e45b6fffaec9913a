#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// A feedback matrix that moves while the network plays: what is between its two sides turns pairs of components.
///
///   A(t) = left T(t) right,   T block-diagonal: pair p takes components 2p, 2p + 1 as r(t) [cos -sin; sin cos](theta(t))
///   r(t)            = radius (1 - radius_depth (1 + sin 2 pi (radius_rate_hz t + radius_phase_turns)) / 2)
///   theta(t) / 2 pi = angle_turns + angle_depth_turns sin 2 pi (angle_rate_hz t + angle_phase_turns) + turn_hz t
///
/// Of an odd N the last pair is one component and has a radius only. radius_depth in 0 .. 1, so that r(t) never exceeds
/// the radius: with orthogonal sides |A(t)|_2 <= max radius at every moment, and a radius of 1 without depth keeps the
/// energy of what is in the loop. All float64; gradients flow through every member.
struct TurningMatrix {
  at::Tensor left, right;                                                                // [N, N]
  at::Tensor radius, radius_depth, radius_rate_hz, radius_phase_turns;                   // [P], P = (N + 1) / 2
  at::Tensor angle_turns, angle_depth_turns, angle_rate_hz, angle_phase_turns, turn_hz;  // [P]

  std::int64_t lines() const { return left.size(0); }
  std::int64_t pairs() const { return (left.size(0) + 1) / 2; }
  /// Throws   ContractError where shapes or types disagree, or a depth is outside 0 .. 1 or a radius below 0
  void check() const;
};

/// left right as a TurningMatrix that stands still; to be given its paces.
TurningMatrix still_matrix(const at::Tensor& left, const at::Tensor& right);

/// A(t) = A T(t): an orthogonal matrix whose pairs of lines turn into one another at a steady pace. Orthogonal at every
/// sample, so a lossless loop stays lossless.
/// Reads    turn_hz [P] turns a second; of an odd N the last does nothing
/// Source   Schlecht and Habets 2015, "Time-varying feedback matrices in feedback delay networks and their application in
///          artificial reverberation"
TurningMatrix rotating_orthogonal(const at::Tensor& matrix, const at::Tensor& turn_hz);

/// A(t) = V L(t) V^T: the matrix whose eigenvalues are r_k(t) exp(+-j theta_k(t)), and one real r(t) for odd N.
/// Reads    basis V [N, N], orthogonal; radius, angle_turns [P]: where they are at rest
/// Source   real normal matrices: Horn and Johnson, "Matrix analysis", section 2.5; eigenvalues that move: Schlecht and
///          Habets 2015
TurningMatrix dynamic_eigenvalues(const at::Tensor& basis, const at::Tensor& radius, const at::Tensor& angle_turns);

/// The same with lines behind that hear the loop and are not heard in it (filters on the way out): [A(t), 0; rows, 0].
/// Reads    rows [O, N]
/// Throws   ContractError where N is odd and the last radius moves
TurningMatrix with_listeners(const TurningMatrix& turning, const at::Tensor& rows);

/// A where nothing moves, r = radius and theta = 2 pi angle_turns: [N, N].
at::Tensor at_rest(const TurningMatrix& turning);

/// A(t) at t = k hop / sample_rate_hz, as many as reach over `samples`: [M, N, N], for Varying::matrices.
at::Tensor matrices_of(const TurningMatrix& turning, std::int64_t samples, double sample_rate_hz, std::int64_t hop);

/// The largest hop between which a straight line stays within 1e-6 of A(t), in the spectral norm: hop^2 / 8 times a bound
/// of its second derivative. At least 1 (where the matrix moves faster than that, every sample has its own), at most 4096.
std::int64_t fine_hop(const TurningMatrix& turning, double sample_rate_hz);

}  // namespace diffverb
