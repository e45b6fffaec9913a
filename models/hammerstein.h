#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A space behind a device without memory, each power of the input through a response of its own:
///
///   y_o = h_o1 * x + h_o2 * x^2 + h_o3 * x^3
///
/// What a drive in front of a room h comes to: with x + a x^2 + b x^3 the responses are h, a h, b h.
struct HammersteinKernels {
  at::Tensor first;                // h_1 [O, L]
  std::vector<at::Tensor> higher;  // h_2, h_3 [O, A], as far as the order goes
};

/// Joint least squares of all responses (core/spectral/response_estimate.h): the model is linear in them.
///
/// Reads    dry [N], wet [O, N] float64, aligned; order 1 to 3
/// Source   Farina 2000; Novak, Simon, Kadlec and Lotton, IEEE Trans. Instrum. Meas. 59, 2010 (the model)
HammersteinKernels estimate_hammerstein(const at::Tensor& dry, const at::Tensor& wet, std::int64_t order,
                                        std::int64_t first_samples, std::int64_t higher_samples);

/// Kernels as `diffverb data deconvolve --kernels` writes them: for each output the channels h_1, h_2, h_3.
///
/// Throws   DataError for another number of channels, or another rate
HammersteinKernels read_hammerstein(const std::string& file, std::int64_t outputs, std::int64_t order,
                                    double sample_rate_hz);

}  // namespace diffverb
