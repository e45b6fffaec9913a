#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/network/turning_matrix.h"
#include "core/tensor.h"
#include "models/knobs.h"

namespace diffverb {

/// The `turning` map of a network: whether and how its feedback matrix moves.
///
///   rotating       A(t) = A T(t): pairs of lines turn into one another, turn_hz times a second and by angle_depth_turns
///                  to and fro; the loop keeps its energy
///   eigenvalues    A(t) = V L(t) V^T, V the feedback matrix: eigenvalues radius exp(+-2 pi j angle_turns), both of which
///                  swing; the radius of an odd number of lines' real one stands still
///
/// Pairs have paces of their own, spread by `rate_spread` about those that are given, and begin at different moments.
/// What acts on the network at rest is learned (radius, angle_turns); the rest is where `learn` names it.
class TurningChoice {
 public:
  /// Reads    type none | rotating | eigenvalues, and the keys of that type
  void read(Fields fields, std::int64_t lines);

  bool turns() const { return type_ != "none"; }
  /// Of an orthogonal matrix [N, N]: nothing where it does not turn.
  std::optional<TurningMatrix> of(const at::Tensor& matrix) const;
  std::map<std::string, at::Tensor> parameters() const { return knobs_.parameters(); }

 private:
  std::string type_ = "none";
  double rate_spread_ = 0.3;
  Knobs knobs_;
};

/// Paces about `rate` that have no common period, one each: rate (1 + spread x), x in -1 .. 1.
at::Tensor spread_rates(const at::Tensor& rate, double spread, std::int64_t count);

}  // namespace diffverb
