#include "models/freeverb3_filters.h"

#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <numbers>
#include <vector>

namespace diffverb::freeverb3 {
namespace {

at::Tensor section(const std::vector<at::Tensor>& numbers) { return at::stack(numbers).unsqueeze(0); }
at::Tensor angle(const at::Tensor& hz, double rate) {
  return hz.clamp_max(0.49 * rate) * (2 * std::numbers::pi / rate);
}

/// What the filters of second order have in common.
at::Tensor alpha_of(const at::Tensor& w, double octaves) {
  return w.sin() * (std::numbers::ln2 / 2 * octaves * w / w.sin()).sinh();
}

}  // namespace

at::Tensor dc_cut(const at::Tensor& hz, double rate) {
  const auto w = angle(hz, rate);
  const auto gain = (std::numbers::sqrt3 - 2 * w.sin()) / (w.sin() + std::numbers::sqrt3 * w.cos());
  const auto one = at::ones_like(gain), zero = at::zeros_like(gain);
  return section({one, -one, zero, -gain, zero});
}

at::Tensor low_pass(const at::Tensor& hz, double rate) {
  const auto t = (angle(hz, rate) / 2).tan(), b = t / (1 + t), zero = at::zeros_like(t);
  return section({b, b, zero, (t - 1) / (1 + t), zero});
}

at::Tensor low_pass(const at::Tensor& hz, double octaves, double rate) {
  const auto w = angle(hz, rate), alpha = alpha_of(w, octaves), scale = 1 / (1 + alpha);
  const auto b = (1 - w.cos()) / 2 * scale;
  return section({b, 2 * b, b, -2 * w.cos() * scale, (1 - alpha) * scale});
}

at::Tensor all_pass(const at::Tensor& hz, double octaves, double rate) {
  const auto w = angle(hz, rate), alpha = alpha_of(w, octaves), scale = 1 / (1 + alpha);
  const auto middle = -2 * w.cos() * scale, low = (1 - alpha) * scale;
  return section({low, middle, at::ones_like(low), middle, low});
}

}  // namespace diffverb::freeverb3
