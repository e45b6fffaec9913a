#include "core/network/line_motion.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kFullTurn = 2 * std::numbers::pi;
constexpr double kLevelSeconds = 0.1, kQuietDb = -40, kLoudDb = -10;

void check_level(const at::Tensor& level, std::int64_t samples) {
  if (!level.defined()) return;
  if (level.dim() != 1 || level.size(0) != samples)
    throw ContractError("line motion: a level of [" + std::to_string(samples) + "] numbers expected");
  if (!level.ge(0).logical_and(level.le(1)).all().item<bool>())
    throw ContractError("line motion: a level is outside 0 .. 1");
}

}  // namespace

at::Tensor motion_of(const LineMotion& motion, std::int64_t samples, double sample_rate_hz, const at::Tensor& level) {
  check_level(level, samples);
  const auto turns = at::arange(samples, at::kDouble) * (motion.rate_hz / sample_rate_hz);
  const auto sine = ((turns + motion.phase_turns) * kFullTurn).sin();
  if (!level.defined()) return sine;
  auto noise = at::zeros_like(turns);
  for (int k = 1; k <= 3; ++k) noise = noise + ((turns + motion.noise_phase_turns) * (kFullTurn * k)).sin() / k;
  const auto loud = level.to(at::kDouble);
  return (1 - loud) * sine + loud * noise / 3;
}

std::vector<LineMotion> wander(std::int64_t line, const SignalFlow::Gain& depth_samples, double corner_hz,
                               std::int64_t sines, std::uint64_t seed) {
  if (sines < 1 || !(corner_hz >= 0)) throw ContractError("wander: at least one sine and a corner >= 0 expected");
  Random random(seed, "wander " + std::to_string(line));
  const double steps = static_cast<double>(sines);
  std::vector<double> sizes;
  std::vector<LineMotion> motions;
  double sum = 0;
  for (std::int64_t k = 0; k < sines; ++k) {
    // Of one sine the corner itself; else what a band of equal steps of log frequency holds of white noise, low-passed.
    const double place = sines == 1 ? 0.75 : (static_cast<double>(k) + random.uniform()) / steps;
    const double ratio = std::exp2(4 * place - 3);
    sizes.push_back(std::sqrt(ratio / (1 + ratio * ratio)));
    sum += sizes.back();
    motions.push_back({.line = line,
                       .rate_hz = corner_hz * ratio,
                       .phase_turns = random.uniform(),
                       .noise_phase_turns = random.uniform()});
  }
  for (std::size_t k = 0; k < motions.size(); ++k) motions[k].depth_samples = depth_samples.tensor() * (sizes[k] / sum);
  return motions;
}

at::Tensor delay_trajectories(const DelayNetwork& network, const std::vector<LineMotion>& motions, std::int64_t samples,
                              const at::Tensor& level) {
  check_level(level, samples);
  const auto still = network.delays.unsqueeze(1).expand({-1, samples});
  if (motions.empty()) return still.contiguous();
  std::vector<at::Tensor> moves;
  std::vector<std::int64_t> lines;
  for (const LineMotion& motion : motions) {
    if (motion.line < 0 || motion.line >= network.lines())
      throw ContractError("line motion: there is no line " + std::to_string(motion.line) + ", of " +
                          std::to_string(network.lines()));
    if (network.delays[motion.line].item<double>() == 0)
      throw ContractError("line motion: line " + std::to_string(motion.line) + " is a filter and has no delay to move");
    moves.push_back(motion.depth_samples.tensor() * motion_of(motion, samples, network.sample_rate_hz, level));
    lines.push_back(motion.line);
  }
  return still.index_add(0, at::tensor(lines), at::stack(moves));
}

at::Tensor loudness_level(const at::Tensor& input, double sample_rate_hz) {
  if (input.dim() != 2 || !(sample_rate_hz > 0))
    throw ContractError("loudness_level: an input [I, T] and a rate above 0 expected");
  const auto power = input.detach().to(at::kCPU, at::kDouble).square().mean(0).contiguous();
  auto level = at::empty({power.size(0)}, at::kDouble);
  const double* p = power.const_data_ptr<double>();
  double* out = level.mutable_data_ptr<double>();
  const double share = 1 - std::exp(-1 / (kLevelSeconds * sample_rate_hz));
  double mean = 0;
  for (std::int64_t n = 0; n < power.size(0); ++n) {
    mean += share * (p[n] - mean);
    out[n] = std::clamp((10 * std::log10(mean + 1e-20) - kQuietDb) / (kLoudDb - kQuietDb), 0.0, 1.0);
  }
  return level;
}

DelayNetwork with_short_delays_as_filters(const DelayNetwork& network) {
  const auto delays = network.delays.detach();
  const auto one = delays.eq(1), two = delays.eq(2), is_short = one.logical_or(two);
  if (!is_short.any().item<bool>()) return network;
  const auto zero = at::zeros_like(delays);
  const auto b0 = is_short.logical_not().to(at::kDouble), b1 = one.to(at::kDouble), b2 = two.to(at::kDouble);
  DelayNetwork out = network;
  out.delays = at::where(is_short, zero, network.delays);
  out.line_sos = at::cat({network.line_sos, at::stack({b0, b1, b2, zero, zero}, 1).unsqueeze(1)}, 1);
  return out;
}

}  // namespace diffverb
