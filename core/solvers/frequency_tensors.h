#pragma once

#include <array>

#include "core/solvers/frequency_kernel.h"
#include "core/tensor.h"

// The kernel on tensors, below autograd: what frequency_response and the operators for Python stand on.
namespace diffverb {

/// One network, or R of one shape with a leading axis each; contiguous and on the CPU.
struct FrequencyTensors {
  at::Tensor a;       // [N, N] or [R, N, N]
  at::Tensor b;       // [N, I]
  at::Tensor c;       // [O, N]
  at::Tensor d;       // [O, I]
  at::Tensor delays;  // [N] float64
  at::Tensor sos;     // [N, S, 5] float64
  at::Tensor omega;   // [K] float64, one grid for all
  double radius = 1;

  bool batched() const { return a.dim() == 3; }
  std::int64_t networks() const { return batched() ? a.size(0) : 1; }
};

/// H and what the gradient needs of every bin. `states` is empty where nobody asked, and where it would take more
/// than kLargestStates bytes: the gradient then solves the bins again.
struct FrequencyForward {
  at::Tensor h;       // [O, I, K] or [R, O, I, K]
  at::Tensor states;  // [L], of A's type
};
inline constexpr std::int64_t kLargestStates = 128 << 20;

FrequencyForward frequency_forward_on_cpu(const FrequencyTensors& tensors, const FrequencyNeeds& needs, bool keep);

/// Scalars in FrequencyForward::states; reads shapes alone.
c10::SymInt frequency_states_numel(const FrequencyTensors& tensors, const FrequencyNeeds& needs, bool keep);

/// Gradients of a, b, c, d, delays, sos; undefined where not needed.
std::array<at::Tensor, 6> frequency_backward_on_cpu(const FrequencyTensors& tensors, const at::Tensor& grad_h,
                                                    const at::Tensor& states, const FrequencyNeeds& needs);

}  // namespace diffverb
