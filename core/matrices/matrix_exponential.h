#pragma once

#include <torch/types.h>

namespace diffverb {

/// exp(X) of a small matrix, for a training step: LibTorch's own takes a quarter of a millisecond for 8 x 8.
///
///   exp(X) = T(X / 2^s)^(2^s),   T the Taylor polynomial of degree 12, s such that its remainder is below 1e-15
///
/// Up to 32 x 32 on the CPU, by plain products in float64; larger ones and those on another device by LibTorch.
///
/// Reads    x [N, N] float32 or float64
/// Returns  [N, N] of the same type
/// Gradient once, exactly that of the products
/// Throws   ContractError where it is not square and real
/// Source   Moler and Van Loan 2003; Paterson and Stockmeyer 1973
torch::Tensor matrix_exponential(const torch::Tensor& x);

}  // namespace diffverb
