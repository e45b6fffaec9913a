#include "core/solvers/nonlinear_solver.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/network/filter_lines.h"
#include "core/solvers/nonlinear_kernel.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/time_tensors.h"

namespace diffverb {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::size_t kLearned = 13;  // tensors that have a gradient

/// Numbers of the loop that have none.
struct LoopConstants {
  double alpha_min, alpha_max, reference, share;
  bool saturates;
};

/// Contiguous, on the CPU.
struct NonlinearTensors {
  Tensor a, b, c, d, sos, input;
  Tensor square, out, left, right, limit, drive, slope;
  Tensor delays;
  LoopConstants constants;

  static NonlinearTensors of(const variable_list& t, const LoopConstants& constants) {
    return {t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], t[10], t[11], t[12], t[13], constants};
  }
};

template <typename Scalar>
NonlinearProblem<Scalar> problem_of(const NonlinearTensors& t) {
  NonlinearProblem<Scalar> q;
  TimeProblem<Scalar>& p = q.base;
  point_to<Scalar>(p, t);
  p.samples = static_cast<int>(t.input.size(1));
  p.input = t.input.const_data_ptr<Scalar>();
  p.delays = t.delays.const_data_ptr<std::int64_t>();
  p.filter_lines = filter_lines_of(p.a, 1, without_delay(p.delays, p.lines)).order;
  q.rank = static_cast<int>(t.out.size(1));
  q.square = t.square.const_data_ptr<Scalar>();
  q.out = t.out.const_data_ptr<Scalar>();
  q.left = t.left.const_data_ptr<Scalar>();
  q.right = t.right.const_data_ptr<Scalar>();
  q.drive = t.drive.const_data_ptr<double>();
  q.limit = t.limit.item<double>();
  q.slope = t.slope.item<double>();
  q.alpha_min = t.constants.alpha_min, q.alpha_max = t.constants.alpha_max;
  q.reference = t.constants.reference, q.share = t.constants.share;
  q.saturates = t.constants.saturates;
  return q;
}

template <typename Scalar>
variable_list forward(const NonlinearTensors& t) {
  const auto problem = problem_of<Scalar>(t);
  const auto options = t.a.options().requires_grad(false);
  const Tensor output = at::empty({problem.base.outputs, problem.base.samples}, options);
  const Tensor tape = recycled({static_cast<std::int64_t>(nonlinear_tape_size(problem))}, options);
  nonlinear_forward(problem, output.mutable_data_ptr<Scalar>(), tape.mutable_data_ptr<Scalar>());
  return {output, tape};
}

template <typename Scalar>
variable_list backward(const NonlinearTensors& t, const Tensor& grad, const Tensor& tape, bool with_input) {
  const auto problem = problem_of<Scalar>(t);
  const auto options = t.a.options().requires_grad(false);
  NonlinearGradient<Scalar> g;
  const Tensor drive = at::empty(t.drive.sizes(), t.drive.options().requires_grad(false));
  Tensor input;
  if (with_input) input = at::empty(t.input.sizes(), options);
  g.drive = drive.mutable_data_ptr<double>();
  g.input = with_input ? input.mutable_data_ptr<Scalar>() : nullptr;
  const Tensor workspace = recycled({static_cast<std::int64_t>(nonlinear_workspace_size(problem))}, options);
  nonlinear_backward(problem, tape.const_data_ptr<Scalar>(), grad.const_data_ptr<Scalar>(),
                     workspace.mutable_data_ptr<Scalar>(), g);
  return {tensor_like(g.a, t.a),
          tensor_like(g.b, t.b),
          tensor_like(g.c, t.c),
          tensor_like(g.d, t.d),
          tensor_like(g.sos, t.sos),
          input,
          tensor_like(g.square, t.square),
          tensor_like(g.out, t.out),
          tensor_like(g.left, t.left),
          tensor_like(g.right, t.right),
          at::scalar_tensor(g.limit, at::kDouble),
          drive,
          at::scalar_tensor(g.slope, at::kDouble)};
}

class NonlinearResponse : public torch::autograd::Function<NonlinearResponse> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                        const Tensor& sos, const Tensor& input, const Tensor& square, const Tensor& out,
                        const Tensor& left, const Tensor& right, const Tensor& limit, const Tensor& drive,
                        const Tensor& slope, const Tensor& delays, const LoopConstants* constants) {
    variable_list all{a, b, c, d, sos, input, square, out, left, right, limit, drive, slope, delays};
    for (Tensor& tensor : all) tensor = tensor.contiguous();
    const auto t = NonlinearTensors::of(all, *constants);
    const auto result = t.a.scalar_type() == at::kFloat ? diffverb::forward<float>(t) : diffverb::forward<double>(t);
    context->save_for_backward(all);
    context->saved_data["tape"] = result[1];
    context->saved_data["constants"] =
        std::vector<double>{constants->alpha_min, constants->alpha_max, constants->reference, constants->share};
    context->saved_data["saturates"] = constants->saturates;
    return result[0];
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    require_first_order("nonlinear_time_response");
    const auto numbers = context->saved_data["constants"].toDoubleVector();
    const auto t = NonlinearTensors::of(context->get_saved_variables(), {numbers[0], numbers[1], numbers[2], numbers[3],
                                                                         context->saved_data["saturates"].toBool()});
    const auto tape = context->saved_data["tape"].toTensor(), grad = grads[0].contiguous();
    const bool with_input = context->needs_input_grad(5);
    auto result = t.a.scalar_type() == at::kFloat ? diffverb::backward<float>(t, grad, tape, with_input)
                                                  : diffverb::backward<double>(t, grad, tape, with_input);
    for (std::size_t i = 0; i < kLearned; ++i) {
      if (!context->needs_input_grad(i)) result[i] = Tensor();
    }
    result.resize(kLearned + 2);
    return result;
  }
};

void check(const DelayNetwork& network, const NonlinearLoop& loop, const Tensor& input) {
  const auto fail = [](const std::string& what) { throw ContractError("nonlinear_time_response: " + what); };
  network.check();
  if (!network.has_whole_delays()) fail("delays must be whole samples (with_whole_delays makes them so)");
  if (input.dim() != 2 || input.size(0) != network.inputs() || input.size(1) < 1)
    fail("the input must be [" + std::to_string(network.inputs()) + ", T] with T >= 1");
  if (input.scalar_type() != network.a.scalar_type() || input.device() != network.a.device())
    fail("the input must have the network's type and device");
  loop.check(network, input.size(1));
}

}  // namespace

Tensor nonlinear_time_response(const DelayNetwork& network, const NonlinearLoop& loop, const Tensor& input) {
  check(network, loop, input);
  const LoopConstants constants{loop.alpha_min, loop.alpha_max, loop.reference,
                                1 - std::exp(-1 / (loop.time_s * network.sample_rate_hz)), loop.saturates};
  // Without a kernel of its own a GPU hands everything over, and the answer and its gradients go back.
  const auto here = [](const Tensor& tensor) { return tensor.to(at::kCPU); };
  const auto output = NonlinearResponse::apply(
      here(network.a), here(network.b), here(network.c), here(network.d), here(network.line_sos), here(input),
      here(loop.square), here(loop.out), here(loop.left), here(loop.right), here(loop.limit), here(loop.drive),
      here(loop.slope), sounding_delays(here(network.delays.detach()), input.size(1)), &constants);
  return output.to(input.device());
}

}  // namespace diffverb
