#include <torch/csrc/autograd/custom_function.h>

#include <mutex>

#include "core/error.h"
#include "core/log.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/solvers.h"
#include "core/solvers/time_tensors.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class TimeResponse : public torch::autograd::Function<TimeResponse> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& a, const torch::Tensor& b,
                               const torch::Tensor& c, const torch::Tensor& d, const torch::Tensor& sos,
                               const torch::Tensor& input, const torch::Tensor& delays) {
    const TimeTensors t{a.contiguous(),   b.contiguous(),      c.contiguous(),    d.contiguous(),
                        sos.contiguous(), delays.contiguous(), input.contiguous()};
    const auto result = time_forward_on_cpu(t);
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
    const auto gradients =
        time_backward_on_cpu(t, grads[0].contiguous(), context->saved_data["tape"].toTensor(), wanted);
    variable_list result(7);
    for (std::size_t i = 0; i < 6; ++i) result[i] = gradients[i];
    return result;
  }
};

void check_input(const DelayNetwork& network, const torch::Tensor& input) {
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
  if (network.has_whole_delays()) return;
  throw ContractError("time_response: delays must be whole samples (with_whole_delays makes them so)");
}

/// One network, or several as one with a leading axis.
torch::Tensor respond(const DelayNetwork& network, const torch::Tensor& input) {
  // The recursion has no CUDA kernel: from another device everything comes here, and the answer and its gradients go
  // back.
  const auto here = [](const torch::Tensor& tensor) { return tensor.to(torch::kCPU); };
  const auto output =
      TimeResponse::apply(here(network.a), here(network.b), here(network.c), here(network.d), here(network.line_sos),
                          here(input), sounding_delays(here(network.delays.detach()), input.size(-1)));
  if (input.device().is_cpu()) return output;
  static std::once_flag told;
  std::call_once(told, [] { log().info("time_response: no CUDA kernel yet, the recursion runs on the CPU"); });
  return output.to(input.device());
}

}  // namespace

torch::Tensor time_response(const DelayNetwork& network, const torch::Tensor& input) {
  network.check();
  require_whole_delays(network);
  check_input(network, input);
  return respond(network, input);
}

torch::Tensor time_response(const std::vector<DelayNetwork>& networks, const torch::Tensor& input) {
  const DelayNetwork all = stacked("time_response", networks);
  require_whole_delays(all);
  const auto inputs = input.dim() == 2 ? input.unsqueeze(0).expand({all.a.size(0), -1, -1}) : input;
  check_input(all, inputs);
  return respond(all, inputs);
}

}  // namespace diffverb
