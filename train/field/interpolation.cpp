#include "train/field/interpolation.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/linalg_pinv.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sinc.h>
#include <ATen/ops/special_bessel_j0.h>
#include <ATen/ops/zeros.h>

#include <numbers>

namespace diffverb {
namespace {

/// [N, M]
at::Tensor distances(const at::Tensor& from, const at::Tensor& to) {
  return (from.unsqueeze(1) - to.unsqueeze(0)).square().sum(2).sqrt();
}

/// Radial functions |x|^power and the polynomials [N, Q] that they leave free.
at::Tensor radial(const MicrophoneArray& array, const at::Tensor& positions, int power, const at::Tensor& free_at_array,
                  const at::Tensor& free_at_positions) {
  const std::int64_t m = array.positions.size(0), q = free_at_array.size(1);
  const at::Tensor own = distances(array.positions, array.positions).pow(power);
  const at::Tensor system =
      at::cat({at::cat({own, free_at_array}, 1), at::cat({free_at_array.t(), at::zeros({q, q}, own.options())}, 1)});
  const at::Tensor rows = at::cat({distances(positions, array.positions).pow(power), free_at_positions}, 1);
  // Too few microphones, or all in one plane, leave the polynomials open: the pseudoinverse takes the smallest ones.
  const at::Tensor weights = at::matmul(rows, at::linalg_pinv(system)).narrow(1, 0, m);
  return at::matmul(weights, array.signals);
}

at::Tensor ones_at(const at::Tensor& positions) { return at::ones({positions.size(0), 1}, positions.options()); }

/// kr may have any shape.
at::Tensor diffuse_field(const at::Tensor& kr, std::int64_t dimensions) {
  if (dimensions == 1) return kr.cos();
  if (dimensions == 2) return at::special_bessel_j0(kr);
  return at::sinc(kr / std::numbers::pi);
}

}  // namespace

at::Tensor nearest(const MicrophoneArray& array, const at::Tensor& positions) {
  return array.signals.index_select(0, distances(positions, array.positions).argmin(1));
}

at::Tensor linear(const MicrophoneArray& array, const at::Tensor& positions) {
  return radial(array, positions, 1, ones_at(array.positions), ones_at(positions));
}

at::Tensor cubic(const MicrophoneArray& array, const at::Tensor& positions) {
  return radial(array, positions, 3, at::cat({ones_at(array.positions), array.positions}, 1),
                at::cat({ones_at(positions), positions}, 1));
}

at::Tensor plane_waves(const MicrophoneArray& array, const at::Tensor& positions) {
  constexpr double kRegularisation = 1e-3;
  const std::int64_t samples = array.signals.size(1), fft_size = 2 * samples;
  const std::int64_t m = array.positions.size(0), d = array.positions.size(1);
  const at::Tensor spectra = at::fft_rfft(array.signals, fft_size, 1);  // [M, F]
  const at::Tensor k = at::arange(spectra.size(1), array.signals.options()) *
                       (2 * std::numbers::pi * array.rate_hz / (static_cast<double>(fft_size) * array.speed_m_s));
  const at::Tensor k_of_bin = k.view({-1, 1, 1});
  const at::Tensor own = diffuse_field(k_of_bin * distances(array.positions, array.positions), d);  // [F, M, M]
  const at::Tensor across = diffuse_field(k_of_bin * distances(array.positions, positions), d);     // [F, M, N]
  const at::Tensor weights = at::linalg_solve(own + kRegularisation * at::eye(m, own.options()), across);
  const at::Tensor out = (weights * spectra.t().unsqueeze(2)).sum(1);  // [F, N]
  return at::fft_irfft(out.t(), fft_size, 1).narrow(1, 0, samples);
}

}  // namespace diffverb
