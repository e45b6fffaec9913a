#pragma once

#include <array>

#include "core/tensor.h"

// The recursion on tensors, below autograd: what time_response and the operators for Python stand on.
namespace diffverb {

/// One network, or R of one shape with a leading axis each; contiguous, on one device (R on the CPU alone), of one
/// floating type but for sos and delays.
struct TimeTensors {
  at::Tensor a, b, c, d;  // [N, N], [N, I], [O, N], [O, I]
  at::Tensor sos;         // [N, S, 5] float64
  at::Tensor delays;      // [N] int64; on a GPU float64
  at::Tensor input;       // [I, T]

  bool batched() const { return a.dim() == 3; }
  std::int64_t networks() const { return batched() ? a.size(0) : 1; }
};

/// Whole delays as the recursion takes them: a line longer than the input is silent however long it is, and its memory
/// stands in the tape.
at::Tensor sounding_delays(const at::Tensor& delays, std::int64_t samples);

struct TimeForward {
  at::Tensor output;  // [O, T] or [R, O, T]
  at::Tensor tape;    // [time_tape_numel], for the gradient
};

/// One network a thread.
TimeForward time_forward_on_cpu(const TimeTensors& tensors);

std::int64_t time_tape_numel(const TimeTensors& tensors);

/// Gradients of a, b, c, d, sos, input; undefined where not wanted.
std::array<at::Tensor, 6> time_backward_on_cpu(const TimeTensors& tensors, const at::Tensor& grad_output,
                                               const at::Tensor& tape, const std::array<bool, 6>& wanted);

}  // namespace diffverb
