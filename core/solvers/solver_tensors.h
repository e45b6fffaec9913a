#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "core/error.h"

// What the glue of both solvers shares; not for callers of the solvers.
namespace diffverb {

/// The gradients are made outside of autograd: a second derivative would silently be zero.
inline void require_first_order(const std::string& solver) {
  if (at::GradMode::is_enabled())
    throw ContractError(solver + ": a gradient of the gradient is not supported (create_graph)");
}

/// Sums of a kernel as a tensor of the shape, type and device of what they are the gradient of.
inline torch::Tensor tensor_like(const std::vector<double>& values, const torch::Tensor& like) {
  return at::tensor(values, torch::kFloat64).reshape(like.sizes()).to(like.options().requires_grad(false));
}

}  // namespace diffverb
