#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

namespace diffverb {

/// The numbers of a ConvProblem (models/layers_kernel.h), in its order: batch, small side f t c, big side f t c,
/// kernel f t, stride f t, padding f t.
struct RowGeometry {
  std::array<std::int64_t, 13> size{};
  bool transposed = false;
  bool statistics = true;
  double slope = 1;
};

/// The row kernels as one operator with its gradient, on all threads of LibTorch.
///
/// Reads    input [B, F, T, C]; scale, shift [C] or both undefined; kernel, bias; all float32 or all float64, on the
/// CPU Returns  {values} or {values, mean, variance}
std::vector<torch::Tensor> convolve_rows(const torch::Tensor& input, const torch::Tensor& scale,
                                         const torch::Tensor& shift, const torch::Tensor& kernel,
                                         const torch::Tensor& bias, const RowGeometry& geometry);

}  // namespace diffverb
