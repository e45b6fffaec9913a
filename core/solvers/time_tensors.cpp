#include "core/solvers/time_tensors.h"

#include <ATen/ops/empty.h>

#include <vector>

#include "core/network/filter_lines.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/time_kernel.h"

namespace diffverb {
namespace {

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
  std::vector<bool> is_filter;
  for (int j = 0; j < p.lines; ++j) is_filter.push_back(p.delays[j] == 0);
  p.filter_lines = filter_lines_of(p.a, 1, is_filter).order;
  p.input = t.input.const_data_ptr<Scalar>();
  return p;
}

template <typename Scalar>
TimeForward forward(const TimeTensors& t) {
  const auto problem = problem_of<Scalar>(t);
  const auto options = t.a.options().requires_grad(false);
  TimeForward result{at::empty({problem.outputs, problem.samples}, options),
                     recycled({static_cast<std::int64_t>(time_tape_size(problem))}, options)};
  time_forward(problem, result.output.mutable_data_ptr<Scalar>(), result.tape.mutable_data_ptr<Scalar>());
  return result;
}

template <typename Scalar>
std::array<torch::Tensor, 6> backward(const TimeTensors& t, const torch::Tensor& grad, const torch::Tensor& tape,
                                      const std::array<bool, 6>& wanted) {
  const auto problem = problem_of<Scalar>(t);
  const auto options = t.a.options().requires_grad(false);
  std::array<torch::Tensor, 6> result;
  if (wanted[5]) result[5] = at::empty({problem.inputs, problem.samples}, options);
  TimeGradient<Scalar> gradient;
  gradient.input = wanted[5] ? result[5].mutable_data_ptr<Scalar>() : nullptr;
  const torch::Tensor workspace = recycled({static_cast<std::int64_t>(time_workspace_size(problem))}, options);
  time_backward(problem, tape.const_data_ptr<Scalar>(), grad.const_data_ptr<Scalar>(),
                workspace.mutable_data_ptr<Scalar>(), gradient);
  const std::vector<double>* const sums[5] = {&gradient.a, &gradient.b, &gradient.c, &gradient.d, &gradient.sos};
  const torch::Tensor* const like[5] = {&t.a, &t.b, &t.c, &t.d, &t.sos};
  for (std::size_t i = 0; i < 5; ++i) {
    if (wanted[i]) result[i] = tensor_like(*sums[i], *like[i]);
  }
  return result;
}

}  // namespace

std::int64_t time_tape_numel(const TimeTensors& t) {
  return static_cast<std::int64_t>(t.a.scalar_type() == torch::kFloat32 ? time_tape_size(problem_of<float>(t))
                                                                        : time_tape_size(problem_of<double>(t)));
}

TimeForward time_forward_on_cpu(const TimeTensors& t) {
  return t.a.scalar_type() == torch::kFloat32 ? forward<float>(t) : forward<double>(t);
}

std::array<torch::Tensor, 6> time_backward_on_cpu(const TimeTensors& t, const torch::Tensor& grad_output,
                                                  const torch::Tensor& tape, const std::array<bool, 6>& wanted) {
  return t.a.scalar_type() == torch::kFloat32 ? backward<float>(t, grad_output, tape, wanted)
                                              : backward<double>(t, grad_output, tape, wanted);
}

}  // namespace diffverb
