#include "models/frame_network.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "models/response_model.h"

namespace diffverb {
namespace {

constexpr double kForgotten = 27.6;  // times tau: 120 dB
constexpr double kSilence = 1e-12;   // where the slope of the root ends

/// [B, t, F] times the transpose of [H, F]: a product that reads a view as it is, in a batch as for one signal.
at::Tensor times(const at::Tensor& rows, const at::Tensor& weights) {
  return at::bmm(rows, weights.t().unsqueeze(0).expand({rows.size(0), weights.size(1), weights.size(0)}));
}

}  // namespace

at::Tensor with_history(const at::Tensor& signal, std::int64_t frame) {
  return at::constant_pad_nd(signal, {frame - 1, 0});
}

at::Tensor frame_signal(const at::Tensor& signal, std::int64_t frame) {
  if (frame < 1 || signal.dim() < 1 || signal.size(-1) < frame)
    throw ContractError("frame_signal: at least one frame of " + std::to_string(frame) + " samples expected");
  return signal.unfold(-1, frame, 1);
}

at::Tensor slow_levels(const at::Tensor& input, const std::vector<double>& state_ms, double sample_rate_hz) {
  const auto power = input.to(at::kDouble).square().mean(1, true);  // [B, 1, T]
  std::vector<at::Tensor> levels;
  for (const double ms : state_ms) {
    const double samples = ms / 1000 * sample_rate_hz;
    const auto taps = std::min(input.size(2), static_cast<std::int64_t>(std::ceil(kForgotten * samples)));
    const auto decay = (at::arange(taps, power.options().requires_grad(false)) / -samples).exp();
    const auto s = convolve((decay * (1 - std::exp(-1 / samples))).reshape({1, 1, taps}), power).squeeze(1);
    levels.push_back((s.clamp_min(0) + kSilence).sqrt() - std::sqrt(kSilence));
  }
  return at::stack(levels, 1);
}

at::Tensor FrameNetwork::play(const at::Tensor& input, double sample_rate_hz) const {
  const auto type = input.scalar_type();
  const auto w = kernels.to(type), b = bias.to(type), out = output.to(type);
  if (input.dim() != 3 || input.size(1) != w.size(1))
    throw ContractError("frame network: an input [B, " + std::to_string(w.size(1)) + ", T] expected");
  const auto frames = frame_signal(with_history(input, w.size(2)), w.size(2));  // [B, I, T, F]
  const auto rest = at::relu(b);
  at::Tensor levels;
  if (!state_ms.empty()) levels = slow_levels(input, state_ms, sample_rate_hz).to(type).transpose(1, 2);  // [B, T, K]
  std::vector<at::Tensor> blocks;
  for (std::int64_t from = 0; from < input.size(2); from += kBlock) {
    const std::int64_t to = std::min(input.size(2), from + kBlock);
    auto z = b + times(frames.select(1, 0).slice(1, from, to), w.select(1, 0));
    for (std::int64_t i = 1; i < w.size(1); ++i) z = z + times(frames.select(1, i).slice(1, from, to), w.select(1, i));
    if (levels.defined()) {
      const auto e = levels.slice(1, from, to);
      z = z * (1 + times(e, scale.to(type))) + times(e, shift.to(type));
    }
    blocks.push_back(times(at::relu(z) - rest, out));
  }
  return at::cat(blocks, 1).transpose(1, 2);
}

}  // namespace diffverb
