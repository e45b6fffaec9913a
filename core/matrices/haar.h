#pragma once

#include <cstdint>

#include "core/matrices/matrix.h"
#include "core/tensor.h"

namespace diffverb {

/// Numbers from a normal distribution, float64, the same on every machine.
at::Tensor normal_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed);

/// An orthogonal matrix [N, N], float64, drawn evenly from all of them (from those with determinant +1 if `special`).
///
/// Source   Mezzadri 2007, "How to generate random matrices from the classical compact groups"
at::Tensor haar_orthogonal(std::int64_t lines, std::uint64_t seed, bool special);

/// Sylvester's Hadamard matrix over sqrt(N), [N, N], float64; N a power of two.
at::Tensor hadamard_matrix(std::int64_t lines);

/// The skew-symmetric L with exp(L) = `rotation`, of an orthogonal matrix with determinant +1; float64.
at::Tensor logarithm_of_rotation(const at::Tensor& rotation);

/// A leaf of the given type that the trainer can optimise.
at::Tensor trainable(const at::Tensor& value, at::ScalarType dtype);

/// What every reset() begins with where not every N will do.
///
/// Reads    expected: "a power of two"
/// Throws   ConfigError where `matrix` does not exist for `lines`, with the next smaller and the next larger N that do
void require_lines(const FeedbackMatrix& matrix, const char* name, std::int64_t lines, const char* expected);

/// Throws   ContractError where matrix() is asked for before reset()
void require_reset(const at::Tensor& tensor, const char* name);

}  // namespace diffverb
