#include "core/solvers/frequency_tensors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/solvers/frequency_structure.h"
#include "core/solvers/solver_tensors.h"

namespace diffverb {
namespace {

/// The grid is cut into this many chunks whatever the number of threads, and their sums are added in order: the
/// gradient does not depend on the machine's load or its number of cores.
constexpr std::int64_t kChunks = 32;

template <typename Scalar>
FrequencyProblem<Scalar> problem_of(const FrequencyTensors& t, std::int64_t network) {
  FrequencyProblem<Scalar> p;
  point_to<Scalar>(p, t, t.batched() ? std::optional(network) : std::nullopt);
  p.bins = static_cast<int>(t.omega.size(0));
  p.delays = (t.batched() ? t.delays[network] : t.delays).const_data_ptr<double>();
  p.omega = t.omega.const_data_ptr<double>();
  p.radius = t.radius;
  return p;
}

template <typename Scalar>
std::vector<std::unique_ptr<StructuredProblem<Scalar>>> problems_of(const FrequencyTensors& t) {
  std::vector<std::unique_ptr<StructuredProblem<Scalar>>> problems;
  for (std::int64_t r = 0; r < t.networks(); ++r)
    problems.push_back(std::make_unique<StructuredProblem<Scalar>>(problem_of<Scalar>(t, r)));
  return problems;
}

/// Chunks that are worth another thread: below some 100,000 operations it takes longer to wake it.
template <typename Scalar>
std::int64_t chunks_of_a_thread(const FrequencyProblem<Scalar>& p) {
  const double n = p.lines, operations = (3 * n * n * n + 16 * n * n + 60 * n * (1 + p.sections)) * p.bins / kChunks;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(1e5 / operations));
}

/// Calls work(network, chunk, begin, end) for every chunk of bins of every network, a whole number of SIMD registers
/// each.
template <typename Scalar, typename Work>
void for_each_chunk(std::int64_t networks, const FrequencyProblem<Scalar>& shape, const Work& work) {
  const std::int64_t bins = shape.bins;
  const std::int64_t lanes = frequency_lanes<Scalar>();
  const std::int64_t packs = (bins + lanes - 1) / lanes;
  const std::int64_t size = (packs + kChunks - 1) / kChunks * lanes;
  at::parallel_for(0, networks * kChunks, chunks_of_a_thread(shape), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      const std::int64_t chunk = k % kChunks, begin = std::min(chunk * size, bins), end = std::min(begin + size, bins);
      if (begin < end) work(k / kChunks, chunk, static_cast<int>(begin), static_cast<int>(end));
    }
  });
}

template <typename Scalar>
FrequencyForward forward(const FrequencyTensors& t, const FrequencyNeeds& needs, bool keep) {
  const auto problems = problems_of<Scalar>(t);
  const auto& shape = problems[0]->problem();
  std::vector<std::int64_t> sizes{shape.outputs, shape.inputs, shape.bins};
  if (t.batched()) sizes.insert(sizes.begin(), t.networks());
  const auto options = t.a.options().requires_grad(false);
  FrequencyForward result;
  result.h = at::empty(sizes, options.dtype(c10::toComplexType(t.a.scalar_type())));
  const std::int64_t states = frequency_states_numel(t, needs, keep).expect_int();
  result.states = states > 0 ? recycled({states}, options) : at::empty({0}, options);
  auto* h = static_cast<Scalar*>(result.h.mutable_data_ptr());
  auto* kept = states > 0 ? result.states.mutable_data_ptr<Scalar>() : nullptr;
  const std::int64_t step = 2 * result.h.numel() / t.networks(), states_step = states / t.networks();
  for_each_chunk(t.networks(), shape, [&](std::int64_t r, std::int64_t, int begin, int end) {
    frequency_forward(problems[r]->problem(), begin, end, h + r * step, needs, kept ? kept + r * states_step : nullptr);
  });
  return result;
}

template <typename Scalar>
std::vector<FrequencyGradient> gradients(const FrequencyTensors& t, const at::Tensor& grad_h, const at::Tensor& states,
                                         const FrequencyNeeds& needs) {
  const auto problems = problems_of<Scalar>(t);
  const auto* g = static_cast<const Scalar*>(grad_h.const_data_ptr());
  const auto* kept = states.numel() > 0 ? states.const_data_ptr<Scalar>() : nullptr;
  const std::int64_t step = 2 * grad_h.numel() / t.networks(), states_step = states.numel() / t.networks();
  std::vector<FrequencyGradient> parts(t.networks() * kChunks), sums;
  for_each_chunk(t.networks(), problems[0]->problem(), [&](std::int64_t r, std::int64_t chunk, int begin, int end) {
    auto& part = parts[r * kChunks + chunk];
    part.resize(problems[r]->problem());
    frequency_backward(problems[r]->problem(), begin, end, g + r * step, needs, kept ? kept + r * states_step : nullptr,
                       part);
  });
  for (std::int64_t r = 0; r < t.networks(); ++r) {
    FrequencyGradient& sum = parts[r * kChunks];
    for (std::int64_t chunk = 1; chunk < kChunks; ++chunk) {
      if (!parts[r * kChunks + chunk].a.empty()) sum.add(parts[r * kChunks + chunk]);
    }
    sums.push_back(problems[r]->in_given_order(sum));
  }
  return sums;
}

}  // namespace

c10::SymInt frequency_states_numel(const FrequencyTensors& t, const FrequencyNeeds& needs, bool keep) {
  if (!keep) return 0;
  const bool single = t.a.scalar_type() == at::kFloat;
  const std::int64_t lanes = single ? frequency_lanes<float>() : frequency_lanes<double>();
  const c10::SymInt packs = (t.omega.sym_size(0) + (lanes - 1)) / lanes;
  const c10::SymInt ends = t.b.sym_size(-1) * (needs.line_gains() ? 2 : 1) + t.c.sym_size(-2);
  const c10::SymInt networks = t.batched() ? t.a.sym_size(0) : c10::SymInt(1);
  const c10::SymInt count = networks * packs * (2 * lanes) * t.a.sym_size(-1) * ends;
  return count * (single ? 4 : 8) <= kLargestStates ? count : c10::SymInt(0);
}

FrequencyForward frequency_forward_on_cpu(const FrequencyTensors& t, const FrequencyNeeds& needs, bool keep) {
  return t.a.scalar_type() == at::kFloat ? forward<float>(t, needs, keep) : forward<double>(t, needs, keep);
}

std::array<at::Tensor, 6> frequency_backward_on_cpu(const FrequencyTensors& t, const at::Tensor& grad_h,
                                                    const at::Tensor& states, const FrequencyNeeds& needs) {
  const auto sums = t.a.scalar_type() == at::kFloat ? gradients<float>(t, grad_h, states, needs)
                                                    : gradients<double>(t, grad_h, states, needs);
  using Part = std::vector<double> FrequencyGradient::*;
  const Part parts[6] = {&FrequencyGradient::a, &FrequencyGradient::b,      &FrequencyGradient::c,
                         &FrequencyGradient::d, &FrequencyGradient::delays, &FrequencyGradient::sos};
  const bool wanted[6] = {needs.a, needs.b, needs.c, needs.d, needs.delays, needs.sos};
  const at::Tensor* like[6] = {&t.a, &t.b, &t.c, &t.d, &t.delays, &t.sos};
  std::array<at::Tensor, 6> result;
  for (std::size_t i = 0; i < 6; ++i) {
    if (!wanted[i]) continue;
    std::vector<double> all;
    for (const FrequencyGradient& sum : sums) all.insert(all.end(), (sum.*parts[i]).begin(), (sum.*parts[i]).end());
    result[i] = tensor_like(all, *like[i]);
  }
  return result;
}

}  // namespace diffverb
