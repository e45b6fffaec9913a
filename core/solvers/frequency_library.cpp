#include "core/solvers/frequency_library.h"

#include <ATen/ops/complex.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve_ex.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace diffverb {
namespace {

/// z^-n on the grid, [K] complex128
at::Tensor power(const at::Tensor& omega, double radius, double n) {
  return at::exp(at::complex(at::zeros_like(omega), omega * -n)) * std::pow(radius, -n);
}

/// The lines' gains G [K, N], in float64: a phase of thousands of turns does not fit into float32.
at::Tensor line_gains(const DelayNetwork& network, const at::Tensor& omega, double radius) {
  const auto m = network.delays.unsqueeze(0), w = omega.unsqueeze(1);
  auto gains = at::exp(at::complex(-std::log(radius) * m.expand({omega.size(0), m.size(1)}), -w * m));
  const auto z1 = power(omega, radius, 1).unsqueeze(1), z2 = power(omega, radius, 2).unsqueeze(1);
  for (std::int64_t s = 0; s < network.sections(); ++s) {
    const auto q = network.line_sos.select(1, s);  // [N, 5]
    const auto k = [&](std::int64_t i) { return q.select(1, i).unsqueeze(0); };
    gains = gains * (k(0) + k(1) * z1 + k(2) * z2) / (1 + k(3) * z1 + k(4) * z2);
  }
  return gains;
}

}  // namespace

at::Tensor frequency_response_by_library(const DelayNetwork& network, const at::Tensor& omega_rad, double radius) {
  const auto type = c10::toComplexType(network.a.scalar_type());
  const auto g = line_gains(network, omega_rad, radius).to(type);  // [K, N]
  const auto a = network.a.to(type), b = network.b.to(type), c = network.c.to(type), d = network.d.to(type);
  const auto identity = at::eye(network.lines(), a.options());
  // _ex: the plain solve asks the device whether the matrix was singular.
  const auto x = std::get<0>(at::linalg_solve_ex(identity - a * g.unsqueeze(1), b.expand({g.size(0), -1, -1})));
  return (at::matmul(c * g.unsqueeze(1), x) + d).permute({1, 2, 0});
}

}  // namespace diffverb
