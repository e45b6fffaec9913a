#include "core/solvers/time_tensors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <vector>

#include "core/network/filter_lines.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/time_kernel.h"

namespace diffverb {
namespace {

template <typename Scalar>
TimeProblem<Scalar> problem_of(const TimeTensors& t, std::int64_t network) {
  TimeProblem<Scalar> p;
  point_to<Scalar>(p, t, t.batched() ? std::optional(network) : std::nullopt);
  p.samples = static_cast<int>(t.input.size(-1));
  p.delays = (t.batched() ? t.delays[network] : t.delays).const_data_ptr<std::int64_t>();
  p.filter_lines = filter_lines_of(p.a, 1, without_delay(p.delays, p.lines)).order;
  p.input = (t.batched() ? t.input[network] : t.input).template const_data_ptr<Scalar>();
  return p;
}

/// Every network, and where its part of the tape begins: the longest delays differ.
template <typename Scalar>
struct Problems {
  explicit Problems(const TimeTensors& t) {
    for (std::int64_t r = 0; r < t.networks(); ++r) {
      each.push_back(problem_of<Scalar>(t, r));
      tapes.push_back(tape_size);
      tape_size += static_cast<std::int64_t>(time_tape_size(each.back()));
    }
  }
  std::vector<TimeProblem<Scalar>> each;
  std::vector<std::int64_t> tapes;
  std::int64_t tape_size = 0;
};

/// Calls work(network) for each one, on as many threads as there are.
template <typename Work>
void for_each_network(std::int64_t networks, const Work& work) {
  at::parallel_for(0, networks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) work(r);
  });
}

template <typename Scalar>
TimeForward forward(const TimeTensors& t) {
  const Problems<Scalar> problems(t);
  const TimeProblem<Scalar>& shape = problems.each[0];
  std::vector<std::int64_t> sizes{shape.outputs, shape.samples};
  if (t.batched()) sizes.insert(sizes.begin(), t.networks());
  const auto options = t.a.options().requires_grad(false);
  TimeForward result{at::empty(sizes, options), recycled({problems.tape_size}, options)};
  auto* output = result.output.mutable_data_ptr<Scalar>();
  auto* tape = result.tape.mutable_data_ptr<Scalar>();
  const std::int64_t step = result.output.numel() / t.networks();
  for_each_network(t.networks(), [&](std::int64_t r) {
    time_forward(problems.each[r], output + r * step, tape + problems.tapes[r]);
  });
  return result;
}

template <typename Scalar>
std::array<at::Tensor, 6> backward(const TimeTensors& t, const at::Tensor& grad, const at::Tensor& tape,
                                   const std::array<bool, 6>& wanted) {
  const Problems<Scalar> problems(t);
  const auto options = t.a.options().requires_grad(false);
  std::array<at::Tensor, 6> result;
  if (wanted[5]) result[5] = at::empty(t.input.sizes(), options);
  auto* input = wanted[5] ? result[5].mutable_data_ptr<Scalar>() : nullptr;
  const auto* g = grad.const_data_ptr<Scalar>();
  const auto* kept = tape.const_data_ptr<Scalar>();
  const std::int64_t step = grad.numel() / t.networks(), input_step = t.input.numel() / t.networks();
  std::vector<TimeGradient<Scalar>> gradients(t.networks());
  for_each_network(t.networks(), [&](std::int64_t r) {
    const auto& problem = problems.each[r];
    gradients[r].input = input ? input + r * input_step : nullptr;
    const at::Tensor workspace = recycled({static_cast<std::int64_t>(time_workspace_size(problem))}, options);
    time_backward(problem, kept + problems.tapes[r], g + r * step, workspace.mutable_data_ptr<Scalar>(), gradients[r]);
  });
  using Sums = std::vector<double> TimeGradient<Scalar>::*;
  const Sums sums[5] = {&TimeGradient<Scalar>::a, &TimeGradient<Scalar>::b, &TimeGradient<Scalar>::c,
                        &TimeGradient<Scalar>::d, &TimeGradient<Scalar>::sos};
  const at::Tensor* const like[5] = {&t.a, &t.b, &t.c, &t.d, &t.sos};
  for (std::size_t i = 0; i < 5; ++i) {
    if (!wanted[i]) continue;
    std::vector<double> all;
    for (const auto& one : gradients) all.insert(all.end(), (one.*sums[i]).begin(), (one.*sums[i]).end());
    result[i] = tensor_like(all, *like[i]);
  }
  return result;
}

}  // namespace

std::int64_t time_tape_numel(const TimeTensors& t) {
  return t.a.scalar_type() == at::kFloat ? Problems<float>(t).tape_size : Problems<double>(t).tape_size;
}

at::Tensor sounding_delays(const at::Tensor& delays, std::int64_t samples) {
  return delays.clamp_max(static_cast<double>(samples)).to(at::kLong);
}

TimeForward time_forward_on_cpu(const TimeTensors& t) {
  return t.a.scalar_type() == at::kFloat ? forward<float>(t) : forward<double>(t);
}

std::array<at::Tensor, 6> time_backward_on_cpu(const TimeTensors& t, const at::Tensor& grad_output,
                                               const at::Tensor& tape, const std::array<bool, 6>& wanted) {
  return t.a.scalar_type() == at::kFloat ? backward<float>(t, grad_output, tape, wanted)
                                         : backward<double>(t, grad_output, tape, wanted);
}

}  // namespace diffverb
