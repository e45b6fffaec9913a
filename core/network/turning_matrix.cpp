#include "core/network/turning_matrix.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/error.h"

namespace diffverb {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;
constexpr double kHopError = 1e-6;
constexpr std::int64_t kLongestHop = 4096;

[[noreturn]] void fail(const std::string& what) { throw ContractError("turning matrix: " + what); }

/// left T right for radii and angles [M, P]: a sum over pairs of what their cosine and their sine multiply.
at::Tensor product(const TurningMatrix& turning, const at::Tensor& radius, const at::Tensor& angle) {
  const std::int64_t n = turning.lines(), pairs = turning.pairs(), odd = n % 2;
  // Components 2p and 2p + 1 of both sides, [P, N]; the second of an odd N's last pair is nothing.
  const auto left = at::constant_pad_nd(turning.left.t(), {0, 0, 0, odd}).reshape({pairs, 2, n});
  const auto right = at::constant_pad_nd(turning.right, {0, 0, 0, odd}).reshape({pairs, 2, n});
  const auto outer = [&](int i, int j) { return left.select(1, i).unsqueeze(2) * right.select(1, j).unsqueeze(1); };
  const auto even = (outer(0, 0) + outer(1, 1)).reshape({pairs, n * n});
  const auto turned = (outer(1, 0) - outer(0, 1)).reshape({pairs, n * n});
  auto cosine = radius * angle.cos();
  if (odd) cosine = at::cat({cosine.narrow(1, 0, pairs - 1), radius.narrow(1, pairs - 1, 1)}, 1);
  return (cosine.mm(even) + (radius * angle.sin()).mm(turned)).reshape({-1, n, n});
}

}  // namespace

void TurningMatrix::check() const {
  for (const auto* side : {&left, &right}) {
    if (!side->defined() || side->dim() != 2 || side->size(0) != left.size(0) || side->size(1) != left.size(0) ||
        side->scalar_type() != at::kDouble)
      fail("sides of [N, N] float64 expected");
  }
  for (const auto* values : {&radius, &radius_depth, &radius_rate_hz, &radius_phase_turns, &angle_turns,
                             &angle_depth_turns, &angle_rate_hz, &angle_phase_turns, &turn_hz}) {
    if (!values->defined() || values->dim() != 1 || values->size(0) != pairs() || values->scalar_type() != at::kDouble)
      fail("a number in float64 for each of " + std::to_string(pairs()) + " pairs expected");
  }
  if (!(radius.min().item<double>() >= 0)) fail("a radius is below 0");
  if (!(radius_depth.min().item<double>() >= 0 && radius_depth.max().item<double>() <= 1))
    fail("a radius_depth is outside 0 .. 1");
}

TurningMatrix still_matrix(const at::Tensor& left, const at::Tensor& right) {
  TurningMatrix turning;
  turning.left = left.to(at::kDouble);
  turning.right = right.to(at::kDouble);
  const auto zero = at::zeros({turning.pairs()}, at::kDouble), one = at::ones({turning.pairs()}, at::kDouble);
  turning.radius = turning.radius_rate_hz = turning.angle_rate_hz = one;
  turning.radius_depth = turning.radius_phase_turns = turning.angle_turns = turning.angle_depth_turns =
      turning.angle_phase_turns = turning.turn_hz = zero;
  return turning;
}

TurningMatrix rotating_orthogonal(const at::Tensor& matrix, const at::Tensor& turn_hz) {
  auto turning = still_matrix(matrix, at::eye(matrix.size(0), at::kDouble));
  turning.turn_hz = turn_hz;
  turning.check();
  return turning;
}

TurningMatrix dynamic_eigenvalues(const at::Tensor& basis, const at::Tensor& radius, const at::Tensor& angle_turns) {
  auto turning = still_matrix(basis, basis.t());
  turning.radius = radius;
  turning.angle_turns = angle_turns;
  turning.check();
  return turning;
}

TurningMatrix with_listeners(const TurningMatrix& turning, const at::Tensor& rows) {
  const std::int64_t n = turning.lines(), outside = rows.size(0);
  if (outside == 0) return turning;
  if (rows.dim() != 2 || rows.size(1) != n) fail("listeners of [O, " + std::to_string(n) + "] expected");
  TurningMatrix out = turning;
  if (n % 2 == 1) {  // the loop's last component shares a pair with the first listener: its radius moves into the side
    const std::int64_t last = turning.pairs() - 1;
    if (turning.radius_depth[last].item<double>() != 0)
      fail("of an odd number of lines the last radius cannot move where filters hear the loop");
    out.left = at::cat({turning.left.narrow(1, 0, n - 1), turning.left.narrow(1, n - 1, 1) * turning.radius[last]}, 1);
    for (auto* values : {&out.angle_turns, &out.angle_depth_turns, &out.turn_hz})
      *values = at::constant_pad_nd(values->narrow(0, 0, last), {0, 1});
    out.radius = at::constant_pad_nd(turning.radius.narrow(0, 0, last), {0, 1}, 1);
  }
  const std::int64_t more = (n + outside + 1) / 2 - turning.pairs();
  for (auto* values : {&out.radius_depth, &out.radius_phase_turns, &out.angle_turns, &out.angle_depth_turns,
                       &out.angle_phase_turns, &out.turn_hz})
    *values = at::constant_pad_nd(*values, {0, more});
  for (auto* values : {&out.radius, &out.radius_rate_hz, &out.angle_rate_hz})
    *values = at::constant_pad_nd(*values, {0, more}, 1);
  const auto mine = at::eye(outside, at::kDouble);
  out.left = at::cat({at::constant_pad_nd(out.left, {0, outside}), at::constant_pad_nd(mine, {n, 0})}, 0);
  out.right = at::constant_pad_nd(at::cat({turning.right, rows.to(at::kDouble)}, 0), {0, outside});
  return out;
}

at::Tensor at_rest(const TurningMatrix& turning) {
  return product(turning, turning.radius.unsqueeze(0), (turning.angle_turns * kTurn).unsqueeze(0)).squeeze(0);
}

at::Tensor matrices_of(const TurningMatrix& turning, std::int64_t samples, double sample_rate_hz, std::int64_t hop) {
  turning.check();
  if (samples < 1 || hop < 1 || !(sample_rate_hz > 0)) fail("samples, a hop and a rate above 0 expected");
  const std::int64_t count = std::max<std::int64_t>(2, (samples + hop - 1) / hop + 1);
  const auto t = (at::arange(count, at::kDouble) * (static_cast<double>(hop) / sample_rate_hz)).unsqueeze(1);
  const auto sine = [&](const at::Tensor& hz, const at::Tensor& phase) {
    return ((t * hz + phase) * kTurn).sin();  // [M, P]
  };
  const auto radius =
      turning.radius * (1 - turning.radius_depth * (1 + sine(turning.radius_rate_hz, turning.radius_phase_turns)) / 2);
  const auto turns = turning.angle_turns +
                     turning.angle_depth_turns * sine(turning.angle_rate_hz, turning.angle_phase_turns) +
                     turning.turn_hz * t;
  return product(turning, radius, turns * kTurn);
}

std::int64_t fine_hop(const TurningMatrix& turning, double sample_rate_hz) {
  const at::NoGradGuard no_grad;
  const double step = kTurn / sample_rate_hz;  // radians a sample of one turn a second
  const auto swing = turning.angle_depth_turns.abs() * kTurn, pace = turning.angle_rate_hz.abs() * step;
  const auto turn = turning.turn_hz.abs() * step + swing * pace, turn_change = swing * pace.square();
  const auto half = turning.radius * turning.radius_depth / 2, radius_pace = turning.radius_rate_hz.abs() * step;
  const auto bend = turning.radius * (turn.square() + turn_change) + 2 * half * radius_pace * turn +
                    half * radius_pace.square();  // |(r exp(j theta))''|
  const auto norm = [](const at::Tensor& side) { return at::linalg_svdvals(side).max().item<double>(); };
  const double most = bend.max().item<double>() * norm(turning.left) * norm(turning.right);
  const double hop = most > 0 ? std::floor(std::sqrt(8 * kHopError / most)) : static_cast<double>(kLongestHop);
  return static_cast<std::int64_t>(std::clamp(hop, 1.0, static_cast<double>(kLongestHop)));
}

}  // namespace diffverb
