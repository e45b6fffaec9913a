#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <mutex>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/solvers.h"
#include "core/solvers/time_cuda.h"
#include "core/solvers/time_loops.h"
#include "core/solvers/time_tensors.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class TimeResponse : public torch::autograd::Function<TimeResponse> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                            const at::Tensor& d, const at::Tensor& sos, const at::Tensor& input,
                            const at::Tensor& delays) {
    const TimeTensors t{a.contiguous(),   b.contiguous(),      c.contiguous(),    d.contiguous(),
                        sos.contiguous(), delays.contiguous(), input.contiguous()};
    const auto result = on_gpu(a) ? time_forward_on_cuda(t) : time_forward_on_cpu(t);
    context->save_for_backward({t.a, t.b, t.c, t.d, t.sos, t.delays, t.input});
    context->saved_data["tape"] = result.tape;
    return result.output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    require_first_order("time_response");
    const auto saved = context->get_saved_variables();
    const TimeTensors t{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]};
    std::array<bool, 6> wanted;
    for (std::size_t i = 0; i < 6; ++i) wanted[i] = context->needs_input_grad(i);
    const auto grad = grads[0].contiguous(), tape = context->saved_data["tape"].toTensor();
    const auto gradients =
        on_gpu(t.a) ? time_backward_on_cuda(t, grad, tape, wanted) : time_backward_on_cpu(t, grad, tape, wanted);
    variable_list result(7);
    for (std::size_t i = 0; i < 6; ++i) result[i] = gradients[i];
    return result;
  }
};

void check_input(const DelayNetwork& network, const at::Tensor& input) {
  const std::int64_t dims = network.a.dim();
  if (input.dim() != dims || input.size(-2) != network.b.size(-1) || input.size(-1) < 1 ||
      (dims == 3 && input.size(0) != network.a.size(0))) {
    const std::string networks = dims == 3 ? std::to_string(network.a.size(0)) + ", " : "";
    throw ContractError("time_response: the input must be [" + networks + std::to_string(network.b.size(-1)) +
                        ", T] with T >= 1");
  }
  if (input.scalar_type() != network.a.scalar_type() || input.device() != network.a.device()) {
    throw ContractError("time_response: the input must have the network's type and device");
  }
}

void require_whole_delays(const DelayNetwork& network) {
  if (!network.may_be_looked_at() || network.has_whole_delays()) return;
  throw ContractError("time_response: delays must be whole samples (with_whole_delays makes them so)");
}

/// Whether the device has a kernel for one such network.
bool has_cuda_kernel(const DelayNetwork& n) {
  if (!on_gpu(n.a) || !cuda_module() || n.a.size(-1) > kMostTimeLinesOnCuda) return false;
  return !n.may_be_looked_at() || !n.delays.detach().eq(0).any().item<bool>();  // none for lines without delay
}

bool wants_gradient(const DelayNetwork& n, const at::Tensor& input) {
  if (!at::GradMode::is_enabled()) return false;
  const auto all = {n.a, n.b, n.c, n.d, n.line_sos, input};
  return std::any_of(all.begin(), all.end(), [](const at::Tensor& tensor) { return tensor.requires_grad(); });
}

/// One network, or several as one with a leading axis.
at::Tensor respond(const DelayNetwork& n, const at::Tensor& input) {
  if (has_cuda_kernel(n)) {
    if (n.a.dim() == 2) return TimeResponse::apply(n.a, n.b, n.c, n.d, n.line_sos, input, n.delays.detach());
    std::vector<at::Tensor> outputs;
    for (std::int64_t r = 0; r < n.a.size(0); ++r) {
      outputs.push_back(
          TimeResponse::apply(n.a[r], n.b[r], n.c[r], n.d[r], n.line_sos[r], input[r], n.delays[r].detach()));
    }
    return at::stack(outputs);
  }
  if (n.a.is_cpu() && n.a.dim() == 2 && !wants_gradient(n, input) && loops_are_quicker(n))
    return play_by_loops(n, input);
  // Without a kernel everything comes here from another device, and the answer and its gradients go back.
  const auto here = [](const at::Tensor& tensor) { return tensor.to(at::kCPU); };
  const auto output = TimeResponse::apply(here(n.a), here(n.b), here(n.c), here(n.d), here(n.line_sos), here(input),
                                          sounding_delays(here(n.delays.detach()), input.size(-1)));
  if (input.device().is_cpu()) return output;
  static std::once_flag told;
  std::call_once(told, [] {
    log().info(
        "time_response: no CUDA kernel for so many lines or for lines without delay, the recursion runs on the CPU");
  });
  return output.to(input.device());
}

}  // namespace

at::Tensor time_response(const DelayNetwork& network, const at::Tensor& input) {
  network.check();
  require_whole_delays(network);
  check_input(network, input);
  return respond(network, input);
}

at::Tensor time_response(const std::vector<DelayNetwork>& networks, const at::Tensor& input) {
  const DelayNetwork all = stacked("time_response", networks);
  require_whole_delays(all);
  const auto inputs = input.dim() == 2 ? input.unsqueeze(0).expand({all.a.size(0), -1, -1}) : input;
  check_input(all, inputs);
  return respond(all, inputs);
}

}  // namespace diffverb
