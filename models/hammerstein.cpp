#include "models/hammerstein.h"

#include <ATen/ops/stack.h>

#include <cmath>

#include "core/audio_tensor.h"
#include "core/error.h"
#include "core/sound_input.h"
#include "core/spectral/response_estimate.h"

namespace diffverb {

HammersteinKernels estimate_hammerstein(const at::Tensor& dry, const at::Tensor& wet, std::int64_t order,
                                        std::int64_t first_samples, std::int64_t higher_samples) {
  if (order < 1 || order > 3) throw ContractError("estimate_hammerstein: an order of 1 to 3 expected");
  std::vector<at::Tensor> powers{dry};
  std::vector<std::int64_t> samples{first_samples};
  for (std::int64_t p = 2; p <= order; ++p) {
    powers.push_back(powers.back() * dry);
    samples.push_back(higher_samples);
  }
  const auto h = estimate_responses(at::stack(powers), wet, samples);
  HammersteinKernels kernels{h[0].slice(1, 0, first_samples), {}};
  for (std::int64_t p = 2; p <= order; ++p) kernels.higher.push_back(h[p - 1].slice(1, 0, higher_samples));
  return kernels;
}

HammersteinKernels read_hammerstein(const std::string& file, std::int64_t outputs, std::int64_t order,
                                    double sample_rate_hz) {
  constexpr std::int64_t kOrders = 3;
  constexpr int kMostOutputs = 64;
  const Audio audio = SoundInput(file, kOrders * kMostOutputs).all();
  if (static_cast<std::int64_t>(audio.channels.size()) != kOrders * outputs)
    throw DataError(file + ": has " + std::to_string(audio.channels.size()) + " channels, expected " +
                    std::to_string(kOrders * outputs) + ": three kernels for each output");
  if (audio.rate_hz != sample_rate_hz)
    throw DataError(file + ": is at " + std::to_string(std::lround(audio.rate_hz)) + " Hz, expected the model's " +
                    std::to_string(std::lround(sample_rate_hz)) + " Hz");
  const auto rows = channels_of(audio).reshape({outputs, kOrders, -1});
  HammersteinKernels kernels{rows.select(1, 0).clone(), {}};
  for (std::int64_t p = 2; p <= order; ++p) kernels.higher.push_back(rows.select(1, p - 1).clone());
  return kernels;
}

}  // namespace diffverb
