#include "datasets/measure/repetitions.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/maximum.h>

#include <algorithm>
#include <cmath>

namespace diffverb {
namespace {

constexpr double kFrame_s = 0.05;
constexpr double kUnusual = 16;  // of a frame's difference against what is usual, in energy

/// 1 where a frame is good, [R, M].
at::Tensor good_frames(const at::Tensor& differences) {
  const auto usual = std::get<0>(differences.median(0, true));  // [1, M]
  return (differences <= kUnusual * at::maximum(usual, differences.median()) + 1e-300).to(at::kDouble);
}

std::vector<AveragedRepetitions::LeftOut> left_out(const at::Tensor& good) {
  std::vector<AveragedRepetitions::LeftOut> out;
  const auto rows = good.accessor<double, 2>();
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    for (std::int64_t m = 0; m < rows.size(1); ++m) {
      if (rows[r][m] > 0) continue;
      const double from_s = static_cast<double>(m) * kFrame_s;
      if (m > 0 && rows[r][m - 1] == 0)
        out.back().to_s = from_s + kFrame_s;
      else
        out.push_back({r, from_s, from_s + kFrame_s});
    }
  }
  return out;
}

}  // namespace

AveragedRepetitions average_repetitions(const at::Tensor& repetitions, double rate_hz) {
  const std::int64_t count = repetitions.size(0), samples = repetitions.size(1);
  AveragedRepetitions out;
  out.mean = repetitions.mean(0);
  if (count == 1) {
    out.gains_db = {0.0};
    return out;
  }
  if (count > 2) {
    const auto frame = std::llround(kFrame_s * rate_hz), frames = (samples + frame - 1) / frame;
    const auto framed = [&](const at::Tensor& x) {
      return at::constant_pad_nd(x, {0, frames * frame - samples}).reshape({-1, frames, frame});
    };
    const auto sounds = framed(repetitions);  // [R, M, frame]
    const auto middle = std::get<0>(sounds.sort(0)).slice(0, (count - 1) / 2, count / 2 + 1).mean(0);
    const auto good = good_frames((sounds - middle).square().sum(2));  // [R, M]
    out.left_out = left_out(good);
    const auto mean = (sounds * good.unsqueeze(2)).sum(0) / good.sum(0).unsqueeze(1);
    out.mean = mean.reshape({-1}).slice(0, 0, samples).contiguous();
  }
  const double shared = std::max(1e-300, out.mean.square().sum().item<double>());
  const auto difference = (repetitions - out.mean).square().sum(1).mean().item<double>();
  out.variance_db = 10 * std::log10(std::max(
                             1e-30, difference * static_cast<double>(count) / static_cast<double>(count - 1) / shared));
  const auto gains = ((repetitions * out.mean).sum(1) / shared).abs().clamp_min(1e-15).contiguous();
  for (std::int64_t r = 0; r < count; ++r) out.gains_db.push_back(20 * std::log10(gains[r].item<double>()));
  return out;
}

}  // namespace diffverb
