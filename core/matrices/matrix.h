#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "core/family.h"

namespace diffverb {

/// A feedback matrix A [N, N] and what it is made of.
///
/// reset() draws the parameters for N lines from the seed; matrix() is A as a differentiable function of them.
/// Parameters are leaf tensors by name (empty for a fixed matrix); the trainer optimises and stores them.
class FeedbackMatrix {
 public:
  virtual ~FeedbackMatrix() = default;
  /// Throws   ConfigError where the matrix does not exist for this N (Hadamard: a power of two)
  virtual void reset(std::int64_t lines, std::uint64_t seed, torch::ScalarType dtype) = 0;
  virtual torch::Tensor matrix() const = 0;  // [N, N]
  virtual std::map<std::string, torch::Tensor> parameters() const { return {}; }
  /// Orthogonal: A A^T = I for every value of the parameters.
  virtual bool is_orthogonal() const { return true; }
};

DIFFVERB_FAMILY(matrices, FeedbackMatrix);

}  // namespace diffverb
