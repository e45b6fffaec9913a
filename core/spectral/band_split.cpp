#include "core/spectral/band_split.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/acoustics/fft.h"
#include "core/error.h"

namespace diffverb {
namespace {

/// An edge of w Hz rings for some 1 / w; this many of them are kept from coming round to the other end.
constexpr double kRings = 8;

}  // namespace

at::Tensor split_bands(const at::Tensor& signals, const std::vector<double>& edges_hz, double width_octaves,
                       double rate_hz) {
  if (!(rate_hz > 0 && width_octaves > 0)) throw ContractError("split_bands: a rate and a width above 0 expected");
  for (std::size_t k = 0; k < edges_hz.size(); ++k) {
    if (!(edges_hz[k] > (k > 0 ? edges_hz[k - 1] : 0)))
      throw ContractError("split_bands: edge " + std::to_string(k) + " is " + std::to_string(edges_hz[k]) +
                          " Hz, expected ascending ones above 0");
  }
  const auto x = signals.to(at::kDouble);
  const std::int64_t samples = x.size(-1);
  const double lowest_hz = edges_hz.empty() ? rate_hz : edges_hz[0] * (std::exp2(width_octaves) - 1);
  const auto padding = static_cast<std::int64_t>(kRings * rate_hz / lowest_hz);
  const auto fft_size =
      static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(samples + padding)));
  const auto spectrum = at::fft_rfft(x, fft_size);
  const auto octaves =
      (at::arange(spectrum.size(-1), at::kDouble) * (rate_hz / static_cast<double>(fft_size))).clamp_min(1e-9).log2();
  std::vector<at::Tensor> rises{at::ones_like(octaves)};
  for (const double edge_hz : edges_hz) {
    const auto share = (0.5 + (octaves - std::log2(edge_hz)) / width_octaves).clamp(0, 1);
    rises.push_back(0.5 - 0.5 * (share * std::numbers::pi).cos());
  }
  rises.push_back(at::zeros_like(octaves));
  std::vector<at::Tensor> bands;
  for (std::size_t k = 0; k + 1 < rises.size(); ++k)
    bands.push_back(at::fft_irfft(spectrum * (rises[k] - rises[k + 1]), fft_size).slice(-1, 0, samples));
  return at::stack(bands);
}

}  // namespace diffverb
