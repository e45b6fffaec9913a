#pragma once

#include "core/tensor.h"

namespace diffverb {

/// exp(X) of a small matrix, for a training step: LibTorch's own takes a quarter of a millisecond for 8 x 8.
///
///   exp(X) = T(X / 2^s)^(2^s),   T the Taylor polynomial of degree 12, s such that its remainder is below 1e-15
///
/// Up to 32 x 32 on the CPU, by plain products in float64; larger ones by LibTorch; on a GPU without waiting for it.
///
/// Reads    x [N, N] float32 or float64
/// Returns  [N, N] of the same type
/// Gradient once, exactly that of the products
/// Throws   ContractError where it is not square and real
/// Source   Moler and Van Loan 2003; Paterson and Stockmeyer 1973
at::Tensor matrix_exponential(const at::Tensor& x);

/// The same by LibTorch's operators, none of which asks the device for a number (its own asks for the norm), so that it
/// can be recorded: s is the device's. Not a number where a column sum of |X| is above 5,700.
at::Tensor matrix_exponential_without_waiting(const at::Tensor& x);

}  // namespace diffverb
