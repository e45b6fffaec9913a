#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <string>

#include "core/error.h"
#include "core/network/filter_lines.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/solvers.h"
#include "core/solvers/varying_kernel.h"

namespace diffverb {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Contiguous, on the CPU.
struct VaryingTensors {
  Tensor a, b, c, d, sos, delays, input;  // a [M, N, N], delays [N, T]
  std::int64_t hop = 0;
};

template <typename Scalar>
VaryingProblem<Scalar> problem_of(const VaryingTensors& t) {
  VaryingProblem<Scalar> v;
  TimeProblem<Scalar>& p = v.base;
  point_to<Scalar>(p, t);  // of all matrices of A
  p.samples = static_cast<int>(t.input.size(1));
  p.input = t.input.const_data_ptr<Scalar>();
  v.delays = t.delays.const_data_ptr<double>();
  const auto filters = without_delay(v.delays, p.lines, static_cast<std::size_t>(p.samples));
  p.filter_lines = filter_lines_of(p.a, static_cast<int>(t.a.size(0)), filters).order;
  v.matrices = static_cast<int>(t.a.size(0));
  v.hop = static_cast<int>(t.hop);
  return v;
}

template <typename Scalar>
variable_list forward(const VaryingTensors& t) {
  const auto problem = problem_of<Scalar>(t);
  const auto options = t.a.options().requires_grad(false);
  const Tensor output = at::empty({problem.base.outputs, problem.base.samples}, options);
  const Tensor tape = recycled({static_cast<std::int64_t>(varying_tape_size(problem))}, options);
  varying_forward(problem, output.mutable_data_ptr<Scalar>(), tape.mutable_data_ptr<Scalar>());
  return {output, tape};
}

template <typename Scalar>
variable_list backward(const VaryingTensors& t, const Tensor& grad, const Tensor& tape, bool with_input) {
  const auto problem = problem_of<Scalar>(t);
  const auto options = t.a.options().requires_grad(false);
  VaryingGradient<Scalar> g;
  const Tensor delays = at::empty(t.delays.sizes(), t.delays.options().requires_grad(false));
  Tensor input;
  if (with_input) input = at::empty(t.input.sizes(), options);
  g.delays = delays.mutable_data_ptr<double>();
  g.input = with_input ? input.mutable_data_ptr<Scalar>() : nullptr;
  const Tensor workspace = recycled({static_cast<std::int64_t>(varying_workspace_size(problem))}, options);
  varying_backward(problem, tape.const_data_ptr<Scalar>(), grad.const_data_ptr<Scalar>(),
                   workspace.mutable_data_ptr<Scalar>(), g);
  return {tensor_like(g.a, t.a),
          tensor_like(g.b, t.b),
          tensor_like(g.c, t.c),
          tensor_like(g.d, t.d),
          tensor_like(g.sos, t.sos),
          delays,
          input};
}

class VaryingResponse : public torch::autograd::Function<VaryingResponse> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                        const Tensor& sos, const Tensor& delays, const Tensor& input, std::int64_t hop) {
    const VaryingTensors t{a.contiguous(),   b.contiguous(),      c.contiguous(),     d.contiguous(),
                           sos.contiguous(), delays.contiguous(), input.contiguous(), hop};
    const auto result = t.a.scalar_type() == at::kFloat ? diffverb::forward<float>(t) : diffverb::forward<double>(t);
    context->save_for_backward({t.a, t.b, t.c, t.d, t.sos, t.delays, t.input});
    context->saved_data["tape"] = result[1];
    context->saved_data["hop"] = hop;
    return result[0];
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    require_first_order("varying_time_response");
    const auto s = context->get_saved_variables();
    const VaryingTensors t{s[0], s[1], s[2], s[3], s[4], s[5], s[6], context->saved_data["hop"].toInt()};
    const auto tape = context->saved_data["tape"].toTensor();
    const bool with_input = context->needs_input_grad(6);
    const auto grad = grads[0].contiguous();
    auto result = t.a.scalar_type() == at::kFloat ? diffverb::backward<float>(t, grad, tape, with_input)
                                                  : diffverb::backward<double>(t, grad, tape, with_input);
    for (std::size_t i = 0; i < 6; ++i) {
      if (!context->needs_input_grad(i)) result[i] = Tensor();
    }
    result.emplace_back();
    return result;
  }
};

[[noreturn]] void fail(const std::string& what) { throw ContractError("varying_time_response: " + what); }

/// That no matrix of all lets filters hear each other in a circle.
void check_filters(const Tensor& matrices, const Tensor& network_delays) {
  const auto a = matrices.detach().to(at::kDouble).contiguous(), delays = network_delays.detach().contiguous();
  const auto filters = without_delay(delays.const_data_ptr<double>(), static_cast<int>(delays.size(0)));
  if (!filter_lines_of(a.const_data_ptr<double>(), static_cast<int>(a.size(0)), filters).loop.empty())
    fail("over time the matrices let lines without delay hear each other in a circle");
}

void check(const DelayNetwork& network, const Tensor& input, const Varying& varying) {
  network.check();
  const std::int64_t n = network.lines(), samples = input.dim() == 2 ? input.size(1) : 0;
  if (samples < 1 || input.size(0) != network.inputs() || input.scalar_type() != network.a.scalar_type())
    fail("the input must be [" + std::to_string(network.inputs()) + ", T] of the network's type, T >= 1");
  if (!network.a.device().is_cpu() || !input.device().is_cpu()) fail("tensors must be on the CPU");
  if (varying.delays.defined()) {
    if (varying.delays.dim() != 2 || varying.delays.size(0) != n || varying.delays.size(1) != samples ||
        varying.delays.scalar_type() != at::kDouble)
      fail("the delays must be [" + std::to_string(n) + ", " + std::to_string(samples) + "] float64");
  }
  const auto& delays = varying.delays.defined() ? varying.delays : network.delays;
  const auto is_filter = network.delays.detach().eq(0);
  const auto moving = delays.detach().reshape({n, -1}), still = is_filter.unsqueeze(1).expand_as(moving);
  if (moving.ne(0).logical_and(still).any().item<bool>())
    fail("a line without delay is a filter: its delay cannot move");
  const double shortest = moving.masked_fill(still, 3).min().item<double>();
  if (!(shortest >= 3) || !moving.isfinite().all().item<bool>())
    fail("the shortest delay is " + std::to_string(shortest) +
         " samples, expected at least 3 (or 0: a filter) and finite ones");
  if (!varying.matrices.defined()) return;
  const auto& m = varying.matrices;
  if (m.dim() != 3 || m.size(0) < 2 || m.size(1) != n || m.size(2) != n || m.scalar_type() != network.a.scalar_type())
    fail("the matrices must be [M, " + std::to_string(n) + ", " + std::to_string(n) +
         "] of the network's type, M >= 2");
  if (varying.hop_samples < 1 || (m.size(0) - 1) * varying.hop_samples < samples)
    fail(std::to_string(m.size(0)) + " matrices " + std::to_string(varying.hop_samples) +
         " samples apart do not reach over " + std::to_string(samples) + " samples");
  check_filters(m, network.delays);
}

}  // namespace

Tensor varying_time_response(const DelayNetwork& network, const Tensor& input, const Varying& varying) {
  check(network, input, varying);
  const auto delays =
      varying.delays.defined() ? varying.delays : network.delays.unsqueeze(1).expand({-1, input.size(1)});
  const auto matrices = varying.matrices.defined() ? varying.matrices : network.a.unsqueeze(0);
  return VaryingResponse::apply(matrices, network.b, network.c, network.d, network.line_sos, delays, input,
                                varying.hop_samples);
}

}  // namespace diffverb
