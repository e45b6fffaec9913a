#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/solvers.h"
#include "core/solvers/time_kernel.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Hands out objects with large buffers and takes them back: a fit calls the solver hundreds of times with one size,
/// and fresh pages for tens of megabytes cost as much as the recursion.
template <typename Object>
class Pool {
 public:
  static Pool& instance() {
    static Pool pool;
    return pool;
  }
  std::unique_ptr<Object> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<Object>();
    auto object = std::move(free_.back());
    free_.pop_back();
    return object;
  }
  void give_back(std::unique_ptr<Object> object) {
    const std::lock_guard lock(mutex_);
    if (free_.size() < kKept) free_.push_back(std::move(object));
  }

 private:
  static constexpr std::size_t kKept = 2;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Object>> free_;
};

/// An object of the pool for as long as this lives; autograd's saved data can hold it.
template <typename Object>
struct Lent : torch::CustomClassHolder {
  std::unique_ptr<Object> object = Pool<Object>::instance().take();
  ~Lent() override { Pool<Object>::instance().give_back(std::move(object)); }
};

struct TimeTensors {
  torch::Tensor a, b, c, d, sos, delays, input;  // contiguous; delays int64
};

template <typename Scalar>
TimeProblem<Scalar> problem_of(const TimeTensors& t) {
  TimeProblem<Scalar> p;
  p.samples = static_cast<int>(t.input.size(1));
  p.lines = static_cast<int>(t.a.size(0));
  p.inputs = static_cast<int>(t.b.size(1));
  p.outputs = static_cast<int>(t.c.size(0));
  p.sections = static_cast<int>(t.sos.size(1));
  p.a = t.a.const_data_ptr<Scalar>();
  p.b = t.b.const_data_ptr<Scalar>();
  p.c = t.c.const_data_ptr<Scalar>();
  p.d = t.d.const_data_ptr<Scalar>();
  p.delays = t.delays.const_data_ptr<std::int64_t>();
  p.sos = t.sos.const_data_ptr<double>();
  p.input = t.input.const_data_ptr<Scalar>();
  return p;
}

struct TimeGradients {
  std::vector<double> a, b, c, d, sos;
  torch::Tensor input;
};

template <typename Scalar>
torch::Tensor forward_on_cpu(const TimeTensors& t, AutogradContext* context) {
  const auto problem = problem_of<Scalar>(t);
  auto output = at::empty({problem.outputs, problem.samples}, t.a.options().requires_grad(false));
  auto tape = c10::make_intrusive<Lent<TimeTape<Scalar>>>();
  time_forward(problem, output.template mutable_data_ptr<Scalar>(), *tape->object);
  context->saved_data["tape"] = c10::IValue::make_capsule(std::move(tape));
  return output;
}

template <typename Scalar>
TimeGradients backward_on_cpu(const TimeTensors& t, AutogradContext* context, const torch::Tensor& grad_output,
                              bool with_input) {
  const auto problem = problem_of<Scalar>(t);
  const auto capsule = context->saved_data["tape"].toCapsule();
  const auto& tape = static_cast<const Lent<TimeTape<Scalar>>&>(*capsule);
  Lent<TimeWorkspace<Scalar>> workspace;
  TimeGradients result;
  if (with_input) result.input = at::empty({problem.inputs, problem.samples}, t.a.options().requires_grad(false));
  TimeGradient<Scalar> gradient;
  gradient.input = with_input ? result.input.template mutable_data_ptr<Scalar>() : nullptr;
  time_backward(problem, *tape.object, grad_output.const_data_ptr<Scalar>(), *workspace.object, gradient);
  result.a = std::move(gradient.a);
  result.b = std::move(gradient.b);
  result.c = std::move(gradient.c);
  result.d = std::move(gradient.d);
  result.sos = std::move(gradient.sos);
  return result;
}

torch::Tensor forward_by_kernel(const TimeTensors& t, AutogradContext* context) {
  return t.a.scalar_type() == torch::kFloat32 ? forward_on_cpu<float>(t, context) : forward_on_cpu<double>(t, context);
}

TimeGradients backward_by_kernel(const TimeTensors& t, AutogradContext* context, const torch::Tensor& grad,
                                 bool with_input) {
  return t.a.scalar_type() == torch::kFloat32 ? backward_on_cpu<float>(t, context, grad, with_input)
                                              : backward_on_cpu<double>(t, context, grad, with_input);
}

class TimeResponse : public torch::autograd::Function<TimeResponse> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& a, const torch::Tensor& b,
                               const torch::Tensor& c, const torch::Tensor& d, const torch::Tensor& sos,
                               const torch::Tensor& input, const torch::Tensor& delays) {
    const TimeTensors t{a.contiguous(),   b.contiguous(),      c.contiguous(),    d.contiguous(),
                        sos.contiguous(), delays.contiguous(), input.contiguous()};
    context->save_for_backward({t.a, t.b, t.c, t.d, t.sos, t.delays, t.input});
    return forward_by_kernel(t, context);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    require_first_order("time_response");
    const auto saved = context->get_saved_variables();
    const TimeTensors t{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]};
    const auto gradient = backward_by_kernel(t, context, grads[0].contiguous(), context->needs_input_grad(5));
    const std::vector<double>* const sums[5] = {&gradient.a, &gradient.b, &gradient.c, &gradient.d, &gradient.sos};
    variable_list result(7);
    for (std::size_t i = 0; i < 5; ++i) {
      if (context->needs_input_grad(i)) result[i] = tensor_like(*sums[i], saved[i]);
    }
    result[5] = gradient.input;
    return result;
  }
};

}  // namespace

torch::Tensor time_response(const DelayNetwork& network, const torch::Tensor& input) {
  network.check();
  if (!network.has_whole_delays()) {
    throw ContractError("time_response: delays must be whole samples (with_whole_delays makes them so)");
  }
  if (input.dim() != 2 || input.size(0) != network.inputs() || input.size(1) < 1) {
    throw ContractError("time_response: the input must be [" + std::to_string(network.inputs()) + ", T] with T >= 1");
  }
  if (input.scalar_type() != network.a.scalar_type() || input.device() != network.a.device()) {
    throw ContractError("time_response: the input must have the network's type and device");
  }
  // The recursion has no CUDA kernel: from another device everything comes here, and the answer and its gradients go
  // back.
  const auto here = [](const torch::Tensor& tensor) { return tensor.to(torch::kCPU); };
  const auto output =
      TimeResponse::apply(here(network.a), here(network.b), here(network.c), here(network.d), here(network.line_sos),
                          here(input), here(network.delays.detach()).to(torch::kInt64));
  if (input.device().is_cpu()) return output;
  static std::once_flag told;
  std::call_once(told, [] { log().info("time_response: no CUDA kernel yet, the recursion runs on the CPU"); });
  return output.to(input.device());
}

}  // namespace diffverb
