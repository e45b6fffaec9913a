#include "core/filters/peaking.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>

#include "core/device/device.h"
#include "core/error.h"
#include "core/solvers/solvers.h"

namespace diffverb {
namespace {

std::vector<double> centres(double step_octaves, double from_hz, double to_hz, double limit_hz) {
  std::vector<double> out;
  const double margin = std::exp2(step_octaves / 2);
  for (int k = -60; k <= 60; ++k) {
    const double hz = 1000.0 * std::exp2(k * step_octaves);
    if (hz * margin > from_hz && hz < to_hz * margin && hz < limit_hz) out.push_back(hz);
  }
  return out;
}

}  // namespace

at::Tensor peaking_sos(const at::Tensor& gain_db, const std::vector<double>& centres_hz, double q,
                       double sample_rate_hz) {
  if (gain_db.scalar_type() != at::kDouble || gain_db.size(-1) != static_cast<std::int64_t>(centres_hz.size())) {
    throw ContractError("peaking_sos: gain_db must be float64 [..., " + std::to_string(centres_hz.size()) + "]");
  }
  std::vector<double> alphas, cosines;
  for (const double hz : centres_hz) {
    if (!(hz > 0 && hz < sample_rate_hz / 2))
      throw ContractError("peaking_sos: a centre lies outside (0, half the sample rate)");
    const double w0 = 2 * std::numbers::pi * hz / sample_rate_hz;
    alphas.push_back(std::sin(w0) / (2 * q));
    cosines.push_back(-2 * std::cos(w0));
  }
  const auto alpha = constants_on(gain_db.device(), alphas), middle = constants_on(gain_db.device(), cosines);
  const auto amplitude = at::exp(gain_db * (std::numbers::ln10 / 40));
  const auto up = alpha * amplitude, down = alpha / amplitude;
  const auto scale = at::reciprocal(1 + down);
  const auto b1 = middle * scale;
  return at::stack({(1 + up) * scale, b1, (1 - up) * scale, b1, (1 - down) * scale}, -1);
}

at::Tensor high_shelf_sos(const at::Tensor& gain_db, double corner_hz, double sample_rate_hz) {
  if (gain_db.scalar_type() != at::kDouble) throw ContractError("high_shelf_sos: gain_db must be float64");
  if (!(corner_hz > 0 && corner_hz < sample_rate_hz / 2))
    throw ContractError("high_shelf_sos: the corner lies outside (0, half the sample rate)");
  const double w0 = 2 * std::numbers::pi * corner_hz / sample_rate_hz, cosine = std::cos(w0);
  const auto amplitude = at::exp(gain_db * (std::numbers::ln10 / 40));
  const auto more = amplitude + 1, less = amplitude - 1;
  const auto slope = amplitude.sqrt() * (std::numbers::sqrt2 * std::sin(w0));
  const auto scale = at::reciprocal(more - less * cosine + slope);
  return at::stack({amplitude * (more + less * cosine + slope) * scale, amplitude * (less + more * cosine) * scale * -2,
                    amplitude * (more + less * cosine - slope) * scale, (less - more * cosine) * scale * 2,
                    (more - less * cosine - slope) * scale},
                   -1);
}

at::Tensor high_pass_sos(double cutoff_hz, double sample_rate_hz, at::Device device) {
  if (!(cutoff_hz > 0 && cutoff_hz < sample_rate_hz / 2))
    throw ContractError("high_pass_sos: the cutoff lies outside (0, half the sample rate)");
  const double w0 = 2 * std::numbers::pi * cutoff_hz / sample_rate_hz;
  const double alpha = std::sin(w0) / std::numbers::sqrt2, cosine = std::cos(w0), scale = 1 / (1 + alpha);
  return constants_on(device, {(1 + cosine) / 2 * scale, -(1 + cosine) * scale, (1 + cosine) / 2 * scale,
                               -2 * cosine * scale, (1 - alpha) * scale});
}

at::Tensor cascade_response(const at::Tensor& sos, const at::Tensor& omega_rad, at::ScalarType dtype, bool is_sound) {
  std::vector<at::Tensor> rows;
  const auto advance = at::polar(at::ones_like(omega_rad), omega_rad).to(c10::toComplexType(dtype));
  const auto options = at::TensorOptions().dtype(dtype).device(sos.device());
  for (std::int64_t o = 0; o < sos.size(0); ++o) {
    // A cascade is a network of one line without feedback, less the one sample that a line has at least.
    const DelayNetwork line{at::zeros({1, 1}, options),
                            at::ones({1, 1}, options),
                            at::ones({1, 1}, options),
                            at::zeros({1, 1}, options),
                            at::ones({1}, options.dtype(at::kDouble)),
                            sos.slice(0, o, o + 1),
                            1.0,
                            is_sound};
    rows.push_back(frequency_response(line, omega_rad).reshape({1, -1}) * advance);
  }
  return at::cat(rows, 0);
}

std::vector<double> third_octave_centres(double from_hz, double to_hz, double sample_rate_hz, double share) {
  return centres(1.0 / 3.0, from_hz, to_hz, share * sample_rate_hz);
}

std::vector<double> octave_centres(double from_hz, double to_hz, double sample_rate_hz, double share) {
  return centres(1.0, from_hz, to_hz, share * sample_rate_hz);
}

}  // namespace diffverb
