#include "models/line_decay.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <bit>
#include <cmath>

#include "core/filters/one_pole.h"
#include "core/seed.h"

namespace diffverb {

at::Tensor LineDecay::sos(const at::Tensor& samples, double sample_rate_hz) const {
  const auto log10_at = [&](const at::Tensor& seconds) { return -3 * samples / (sample_rate_hz * seconds); };
  const auto low = log10_at(decay_s), high = log10_at(at::minimum(high_s, decay_s));
  const auto filter = one_pole_sos(one_pole_for_ratio(at::pow(10.0, high - low), high_hz, sample_rate_hz));
  return at::cat({at::pow(10.0, low) * filter.slice(1, 0, 3), filter.slice(1, 3)}, 1);
}

at::Tensor LineDecay::tone_sos(double sample_rate_hz) const {
  const auto ratio = (at::minimum(high_s, decay_s) / decay_s).sqrt();
  const auto q = one_pole_for_ratio(ratio, high_hz, sample_rate_hz).reshape({}), zero = at::zeros_like(q);
  return at::stack({1 / (1 - q), -q / (1 - q), zero, zero, zero}).unsqueeze(0);
}

std::vector<double> spread_signs(std::int64_t channels, std::int64_t lines, std::uint64_t seed) {
  Random random(seed, "signs");
  const double size = 1 / std::sqrt(static_cast<double>(lines));
  std::vector<double> all;
  for (std::int64_t j = 0; j < lines; ++j) all.push_back(random.uniform() < 0.5 ? -size : size);
  for (std::int64_t channel = 1; channel < channels; ++channel) {
    for (std::int64_t j = 0; j < lines; ++j)
      all.push_back(std::popcount(static_cast<std::uint64_t>(channel & j)) % 2 ? -all[static_cast<std::size_t>(j)]
                                                                               : all[static_cast<std::size_t>(j)]);
  }
  return all;
}

}  // namespace diffverb
