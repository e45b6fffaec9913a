#include "train/autoencoder/spectral_sound.h"

#include <ATen/ops/sgn.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "core/spectral/stft.h"
#include "core/tensor.h"
#include "runtime/stereo_width.h"

namespace diffverb {
namespace {

constexpr std::int64_t kJoiningIterations = 30;

at::Tensor every_second(const at::Tensor& rows, std::int64_t first) { return rows.slice(0, first, {}, 2); }

}  // namespace

GriffinLimOptions phase_options(const SpectralAutoencoder& model) {
  GriffinLimOptions options{.method = PhaseMethod::kAveragedReflections, .iterations = 100};
  options.fft_size = model.features().fft_size;
  options.hop_size = model.features().hop_size;
  options.padding = model.features().padding;
  return options;
}

at::Tensor magnitudes_of(const at::Tensor& values, double span_db) {
  return ((values.to(at::kFloat).clamp(0, 1) - 1) * (span_db * std::log(10.0) / 20)).exp();
}

GriffinLimResult griffin_lim_pairs(const at::Tensor& magnitude, const GriffinLimOptions& options, double rate_hz,
                                   double width) {
  GriffinLimResult result = griffin_lim(magnitude, options);
  const std::int64_t pairs = magnitude.size(0) / 2;
  if (width == 0) {
    every_second(result.signal, 1).copy_(every_second(result.signal, 0));
    for (std::int64_t p = 0; p < pairs; ++p)
      result.convergence[static_cast<std::size_t>(2 * p + 1)] = result.convergence[static_cast<std::size_t>(2 * p)];
    return result;
  }
  std::vector<float> same, own;
  for (std::int64_t bin = 0; bin < magnitude.size(1); ++bin) {
    const double coherence =
        runtime::diffuse_coherence(static_cast<double>(bin) * rate_hz / static_cast<double>(options.fft_size), width);
    same.push_back(static_cast<float>(coherence));
    own.push_back(static_cast<float>(std::sqrt(1 - coherence * coherence)));
  }
  const auto phases = at::sgn(stft(result.signal, options.fft_size, options.hop_size, options.padding));
  const auto column = [&](const std::vector<float>& values) {
    return at::tensor(values).to(magnitude.device(), magnitude.scalar_type()).reshape({1, -1, 1});
  };
  const auto left = every_second(phases, 0), right = every_second(phases, 1);
  GriffinLimOptions joining = options;
  joining.method = PhaseMethod::kGriffinLim;
  joining.momentum = 0;
  joining.iterations = std::min(kJoiningIterations, options.iterations);
  joining.start = at::sgn(column(same) * left + column(own) * right).contiguous();
  const GriffinLimResult joined = griffin_lim(every_second(magnitude, 1).contiguous(), joining);
  every_second(result.signal, 1).copy_(joined.signal);
  for (std::int64_t p = 0; p < pairs; ++p)
    result.convergence[static_cast<std::size_t>(2 * p + 1)] = joined.convergence[static_cast<std::size_t>(p)];
  return result;
}

}  // namespace diffverb
