#include "datasets/measure/repetitions.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <cmath>

namespace diffverb {
namespace {

constexpr double kRepetitionFrame_s = 0.05;
constexpr double kUnusual = 16, kRinging = 2;  // of a frame's difference against what is usual, in energy

/// 1 where a frame is good, [R, M]. What rings on behind a bad one is bad too, from a lower limit on.
at::Tensor good_frames(const at::Tensor& differences) {
  const auto usual = at::maximum(std::get<0>(differences.median(0, true)), differences.median());  // [1, M]
  auto good = (differences <= kUnusual * usual + 1e-300).to(at::kDouble);
  const auto like_others = (differences <= kRinging * usual + 1e-300).to(at::kDouble);
  for (std::int64_t m = 1; m < good.size(1); ++m)
    good.select(1, m).mul_(at::maximum(good.select(1, m - 1), like_others.select(1, m)));
  return good;
}

std::vector<AveragedRepetitions::LeftOut> left_out(const at::Tensor& good) {
  std::vector<AveragedRepetitions::LeftOut> out;
  const auto rows = good.accessor<double, 2>();
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    for (std::int64_t m = 0; m < rows.size(1); ++m) {
      if (rows[r][m] > 0) continue;
      const double from_s = static_cast<double>(m) * kRepetitionFrame_s;
      if (m > 0 && rows[r][m - 1] == 0)
        out.back().to_s = from_s + kRepetitionFrame_s;
      else
        out.push_back({r, from_s, from_s + kRepetitionFrame_s});
    }
  }
  return out;
}

}  // namespace

AveragedRepetitions average_repetitions(const at::Tensor& repetitions, double rate_hz) {
  const std::int64_t count = repetitions.size(0), samples = repetitions.size(1);
  AveragedRepetitions out;
  if (count == 1) {
    out.mean = repetitions[0];
    out.gains_db = {0.0};
    return out;
  }
  const std::int64_t frame = std::llround(kRepetitionFrame_s * rate_hz), frames = (samples + frame - 1) / frame;
  const auto sounds = at::constant_pad_nd(repetitions, {0, frames * frame - samples}).reshape({-1, frames, frame});
  auto good = at::ones({count, frames, 1}, at::kDouble);
  if (count > 2) {
    const auto middle = std::get<0>(sounds.sort(0)).slice(0, (count - 1) / 2, count / 2 + 1).mean(0);
    const auto frames_good = good_frames((sounds - middle).square().sum(2));  // [R, M]
    out.left_out = left_out(frames_good);
    good = frames_good.unsqueeze(2);
  }
  const auto mean = (sounds * good).sum(0) / good.sum(0);  // [M, frame]
  out.mean = mean.reshape({-1}).slice(0, 0, samples).contiguous();
  // Of what was kept: each frame's differences over the number of repetitions that were averaged there, less one.
  const auto freedom = (good.sum(0) - 1).clamp_min(1);  // [M, 1]
  out.frame_s = kRepetitionFrame_s;
  const auto level = mean.square().sum(1).mean().clamp_min(1e-300);
  out.differences_db = 10 * ((sounds - mean).square().sum(2) / level).clamp_min(1e-15).log10();
  const double shared = std::max(1e-300, mean.square().sum().item<double>());
  const double differing = (((sounds - mean).square() * good).sum(0) / freedom).sum().item<double>();
  out.variance_db = 10 * std::log10(std::max(1e-30, differing / shared));
  for (std::int64_t r = 0; r < count; ++r) {
    // Of all frames: a level that changed is what may have been left out, and a click hardly correlates.
    const double with_mean = (sounds[r] * mean).sum().item<double>();
    out.gains_db.push_back(20 * std::log10(std::max(1e-15, std::abs(with_mean) / shared)));
  }
  return out;
}

}  // namespace diffverb
