#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "core/device/device.h"
#include "core/error.h"
#include "core/solvers/frequency_cuda.h"
#include "core/solvers/frequency_library.h"
#include "core/solvers/frequency_tensors.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/solvers.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class FrequencyResponse : public torch::autograd::Function<FrequencyResponse> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                            const at::Tensor& d, const at::Tensor& delays, const at::Tensor& sos,
                            const at::Tensor& omega, double radius, bool keep) {
    const FrequencyTensors t{a.contiguous(),      b.contiguous(),   c.contiguous(),     d.contiguous(),
                             delays.contiguous(), sos.contiguous(), omega.contiguous(), radius};
    FrequencyNeeds needs;
    needs.delays = delays.requires_grad();
    needs.sos = sos.requires_grad();
    const auto result = on_gpu(a) ? frequency_forward_on_cuda(t, keep) : frequency_forward_on_cpu(t, needs, keep);
    context->save_for_backward({t.a, t.b, t.c, t.d, t.delays, t.sos, t.omega});
    context->saved_data["states"] = result.states;
    context->saved_data["line_gains"] = needs.line_gains();
    context->saved_data["radius"] = radius;
    return result.h;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    require_first_order("frequency_response");
    const auto saved = context->get_saved_variables();
    const FrequencyTensors t{saved[0], saved[1], saved[2], saved[3],
                             saved[4], saved[5], saved[6], context->saved_data["radius"].toDouble()};
    FrequencyNeeds needs;
    bool* const wanted[6] = {&needs.a, &needs.b, &needs.c, &needs.d, &needs.delays, &needs.sos};
    for (std::size_t i = 0; i < 6; ++i) *wanted[i] = context->needs_input_grad(i);
    auto states = context->saved_data["states"].toTensor();
    const auto grad = grads[0].resolve_conj().resolve_neg().contiguous();
    // On the CPU the layout of the states follows from what was asked for then.
    if (!on_gpu(t.a) && needs.line_gains() != context->saved_data["line_gains"].toBool())
      states = states.slice(0, 0, 0);
    const auto gradients = on_gpu(t.a) ? frequency_backward_on_cuda(t, grad, states, needs)
                                       : frequency_backward_on_cpu(t, grad, states, needs);
    variable_list result(9);
    for (std::size_t i = 0; i < 6; ++i) result[i] = gradients[i];
    return result;
  }
};

void check_grid(const at::Tensor& omega_rad, double radius, const at::Device& device) {
  if (omega_rad.dim() != 1 || omega_rad.scalar_type() != at::kDouble || omega_rad.device() != device) {
    throw ContractError(
        "frequency_response: the grid must be a float64 vector of radians a sample on the network's device");
  }
  if (!(radius >= 1) || !std::isfinite(radius)) {
    throw ContractError("frequency_response: radius is " + std::to_string(radius) + ", expected at least 1");
  }
  if (omega_rad.size(0) == 0) throw ContractError("frequency_response: the grid has no bins");
}

bool has_kernel(const DelayNetwork& network) {
  if (on_gpu(network.a)) return cuda_module() && network.a.size(-1) <= kMostLinesOnCuda;
  return network.a.is_cpu();
}

at::Tensor by_kernel(const DelayNetwork& n, const at::Tensor& omega_rad, double radius) {
  return FrequencyResponse::apply(n.a, n.b, n.c, n.d, n.delays, n.line_sos, omega_rad.detach(), radius,
                                  at::GradMode::is_enabled());
}

}  // namespace

at::Tensor frequency_response(const DelayNetwork& network, const at::Tensor& omega_rad, double radius) {
  network.check();
  check_grid(omega_rad, radius, network.a.device());
  return has_kernel(network) ? by_kernel(network, omega_rad, radius)
                             : frequency_response_by_library(network, omega_rad.detach(), radius);
}

at::Tensor frequency_response(const std::vector<DelayNetwork>& networks, const at::Tensor& omega_rad, double radius) {
  const DelayNetwork all = stacked("frequency_response", networks);
  check_grid(omega_rad, radius, all.a.device());
  if (has_kernel(all)) return by_kernel(all, omega_rad, radius);
  std::vector<at::Tensor> responses;
  for (const DelayNetwork& network : networks)
    responses.push_back(frequency_response_by_library(network, omega_rad.detach(), radius));
  return at::stack(responses);
}

}  // namespace diffverb
