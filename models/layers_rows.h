#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/tensor.h"

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
std::vector<at::Tensor> convolve_rows(const at::Tensor& input, const at::Tensor& scale, const at::Tensor& shift,
                                      const at::Tensor& kernel, const at::Tensor& bias, const RowGeometry& geometry);

}  // namespace diffverb
