#include "models/hammerstein.h"

#include <ATen/ops/stack.h>

#include "core/error.h"
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

}  // namespace diffverb
