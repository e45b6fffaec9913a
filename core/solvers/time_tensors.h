#pragma once

#include <torch/types.h>

#include <array>

// The recursion on tensors, below autograd: what time_response and the operators for Python stand on.
namespace diffverb {

/// Contiguous, on one device, of one floating type but for sos and delays.
struct TimeTensors {
  torch::Tensor a, b, c, d;  // [N, N], [N, I], [O, N], [O, I]
  torch::Tensor sos;         // [N, S, 5] float64
  torch::Tensor delays;      // [N] int64; on a GPU float64
  torch::Tensor input;       // [I, T]
};

struct TimeForward {
  torch::Tensor output;  // [O, T]
  torch::Tensor tape;    // [time_tape_numel], for the gradient
};

std::int64_t time_tape_numel(const TimeTensors& tensors);
TimeForward time_forward_on_cpu(const TimeTensors& tensors);

/// Gradients of a, b, c, d, sos, input; undefined where not wanted.
std::array<torch::Tensor, 6> time_backward_on_cpu(const TimeTensors& tensors, const torch::Tensor& grad_output,
                                                  const torch::Tensor& tape, const std::array<bool, 6>& wanted);

}  // namespace diffverb
