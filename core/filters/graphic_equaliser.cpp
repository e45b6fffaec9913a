#include "core/filters/graphic_equaliser.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <numbers>
#include <string>

#include "core/error.h"

namespace diffverb {
namespace {

/// R: the gain at which two neighbours' bandwidths are set.
constexpr double kRatio = 2.7;

double angle(double hz, double sample_rate_hz) { return 2 * std::numbers::pi * hz / sample_rate_hz; }

/// Sections [..., 5] of numerators and denominators that are not yet divided by a0.
at::Tensor section(const std::vector<at::Tensor>& b, const std::vector<at::Tensor>& a) {
  const auto scale = at::reciprocal(a[0]);
  return at::stack({b[0] * scale, b[1] * scale, b[2] * scale, a[1] * scale, a[2] * scale}, -1);
}

/// amplitude: the square root of the gain, [...]
at::Tensor shelf(const at::Tensor& amplitude, double corner_hz, bool high, double sample_rate_hz) {
  const double t = std::tan(angle(corner_hz, sample_rate_hz) / 2), t2 = t * t;
  const auto r = (2 * amplitude).sqrt() * t, at2 = amplitude * t2;
  const std::vector<at::Tensor> up = {at2 + r + 1, 2 * at2 - 2, at2 - r + 1};
  const std::vector<at::Tensor> down = {amplitude + r + t2, 2 * t2 - 2 * amplitude, amplitude - r + t2};
  // The high shelf is g down / (A up), the low one A up / down, and g = A^2.
  auto sos = high ? section(down, up) : section(up, down);
  return at::cat({sos.narrow(-1, 0, 3) * amplitude.unsqueeze(-1), sos.narrow(-1, 3, 2)}, -1);
}

at::Tensor peaks(const at::Tensor& amplitude, const std::vector<double>& centres_hz, double sample_rate_hz) {
  const double q = std::sqrt(kRatio) / (kRatio - 1);
  std::vector<double> tangents, cosines;
  for (const double hz : centres_hz) {
    const double w = angle(hz, sample_rate_hz);
    if (!(hz > 0 && w / (2 * q) < std::numbers::pi / 2)) {
      throw ContractError("graphic_equaliser_sos: a peak at " + std::to_string(hz) +
                          " Hz is too wide for the sample rate");
    }
    tangents.push_back(std::tan(w / (2 * q)));
    cosines.push_back(-2 * std::cos(w));
  }
  const auto options = at::TensorOptions().dtype(at::kDouble);
  const auto t = at::tensor(tangents, options).to(amplitude.device());
  const auto middle = at::tensor(cosines, options).to(amplitude.device()).expand_as(amplitude);
  const auto up = amplitude * t, down = t / amplitude;
  return section({1 + up, middle, 1 - up}, {1 + down, middle, 1 - down});
}

}  // namespace

at::Tensor graphic_equaliser_sos(const at::Tensor& gain_db, const std::vector<double>& centres_hz, double octaves_apart,
                                 double sample_rate_hz) {
  const auto bands = static_cast<std::int64_t>(centres_hz.size());
  if (gain_db.scalar_type() != at::kDouble || gain_db.dim() < 1 || gain_db.size(-1) != bands + 3 || bands == 0) {
    throw ContractError("graphic_equaliser_sos: gain_db must be float64 [..., " + std::to_string(bands + 3) +
                        "], one more than the bands and their two shelves");
  }
  const double step = std::exp2(octaves_apart / 2), low_hz = centres_hz.front() / step,
               high_hz = centres_hz.back() * step;
  if (!(octaves_apart > 0 && high_hz < sample_rate_hz / 2)) {
    throw ContractError("graphic_equaliser_sos: the high shelf's corner, " + std::to_string(high_hz) +
                        " Hz, must lie below half the sample rate");
  }
  const auto amplitude = at::exp(gain_db * (std::numbers::ln10 / 40));
  auto low = shelf(amplitude.select(-1, 1), low_hz, false, sample_rate_hz);
  const auto broadband = amplitude.select(-1, 0).square().unsqueeze(-1);
  low = at::cat({low.narrow(-1, 0, 3) * broadband, low.narrow(-1, 3, 2)}, -1);
  const auto high = shelf(amplitude.select(-1, bands + 2), high_hz, true, sample_rate_hz);
  return at::cat(
      {low.unsqueeze(-2), peaks(amplitude.narrow(-1, 2, bands), centres_hz, sample_rate_hz), high.unsqueeze(-2)}, -2);
}

}  // namespace diffverb
