#include "core/filters/one_pole.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <numbers>

namespace diffverb {

at::Tensor one_pole_sos(const at::Tensor& pole) {
  const auto p = pole.reshape({}).to(at::kDouble), zero = at::zeros_like(p);
  return at::stack({1 - p, zero, zero, -p, zero}).unsqueeze(0);
}

at::Tensor one_pole_at(const at::Tensor& cutoff_hz, double sample_rate_hz) {
  const auto w = cutoff_hz.to(at::kDouble) * (2 * std::numbers::pi / sample_rate_hz);
  const auto c = 2 - w.clamp_max(std::numbers::pi).cos();
  return c - (c.square() - 1).clamp_min(1e-30).sqrt();
}

at::Tensor one_pole_for_ratio(const at::Tensor& ratio, const at::Tensor& hz, double sample_rate_hz) {
  // (1 - p)^2 = r^2 (1 - 2 p cos w + p^2)
  const auto w = (hz.to(at::kDouble) * (2 * std::numbers::pi / sample_rate_hz)).clamp_max(std::numbers::pi);
  const auto power = ratio.to(at::kDouble).square().clamp(1e-12, 1 - 1e-12);
  const auto half = 1 - power * w.cos(), lost = 1 - power;
  return (half - (half.square() - lost.square()).clamp_min(1e-30).sqrt()) / lost;
}

at::Tensor pole_at_rate(const at::Tensor& pole, double made_for_hz, double sample_rate_hz) {
  return pole.clamp_min(1e-12).pow(made_for_hz / sample_rate_hz);
}

at::Tensor linkwitz_riley_sos(const at::Tensor& corner_hz, bool high, double sample_rate_hz) {
  const auto w = corner_hz.reshape({}).to(at::kDouble) * (2 * std::numbers::pi / sample_rate_hz);
  const auto cosine = w.cos(), alpha = w.sin() / std::numbers::sqrt2, scale = 1 / (1 + alpha);
  const auto edge = (high ? 1 + cosine : 1 - cosine) / 2 * scale;
  const auto section = at::stack({edge, high ? -2 * edge : 2 * edge, edge, -2 * cosine * scale, (1 - alpha) * scale});
  return at::stack({section, section});
}

}  // namespace diffverb
