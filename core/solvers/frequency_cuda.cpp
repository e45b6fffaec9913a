#include "core/solvers/frequency_cuda.h"

#include <ATen/ops/empty.h>

#include <vector>

#include "core/device/cuda_module.h"
#include "core/device/device.h"
#include "core/solvers/frequency_bin_problem.h"

namespace diffverb {
namespace {

at::TensorOptions complex_options(const FrequencyTensors& t) {
  return t.a.options().requires_grad(false).dtype(c10::toComplexType(t.a.scalar_type()));
}

template <typename S>
FrequencyForward forward(const FrequencyTensors& t, bool keep) {
  auto p = bin_problem_of<S>(t);
  std::vector<std::int64_t> sizes{p.outputs, p.inputs, p.bins};
  if (t.batched()) sizes.insert(sizes.begin(), p.networks);
  FrequencyForward result;
  result.h = at::empty(sizes, complex_options(t));
  const std::int64_t all = static_cast<std::int64_t>(p.networks) * p.bins;
  result.states = at::empty({keep ? all * p.states_size() : 0}, complex_options(t));
  const at::Tensor careful = at::empty({all}, complex_options(t).dtype(at::kByte));
  p.h = static_cast<BinComplex<S>*>(result.h.mutable_data_ptr());
  if (keep) p.states = static_cast<BinComplex<S>*>(result.states.mutable_data_ptr());
  p.careful = careful.mutable_data_ptr<std::uint8_t>();
  cuda_module()->solve_bins(p);
  return result;
}

/// [R, entries]
template <typename S>
at::Tensor sums(const FrequencyTensors& t, const at::Tensor& grad_h, at::Tensor states) {
  if (states.numel() == 0) states = forward<S>(t, true).states;
  auto p = bin_problem_of<S>(t);
  p.states = static_cast<BinComplex<S>*>(states.mutable_data_ptr());
  const std::int64_t count = BinEntries<S>(p).count(), chunks = (p.bins + p.chunk - 1) / p.chunk;
  const auto options = complex_options(t).dtype(at::kDouble);
  const at::Tensor partial = at::empty({p.networks, chunks, count}, options);
  at::Tensor result = at::empty({p.networks, count}, options);
  cuda_module()->sum_bins(p, static_cast<const BinComplex<S>*>(grad_h.const_data_ptr()),
                          partial.mutable_data_ptr<double>(), result.mutable_data_ptr<double>());
  return result;
}

}  // namespace

FrequencyForward frequency_forward_on_cuda(const FrequencyTensors& t, bool keep) {
  return t.a.scalar_type() == at::kFloat ? forward<float>(t, keep) : forward<double>(t, keep);
}

std::array<at::Tensor, 6> frequency_backward_on_cuda(const FrequencyTensors& t, const at::Tensor& grad_h,
                                                     const at::Tensor& states, const FrequencyNeeds& needs) {
  const auto all = t.a.scalar_type() == at::kFloat ? sums<float>(t, grad_h, states) : sums<double>(t, grad_h, states);
  const bool wanted[6] = {needs.a, needs.b, needs.c, needs.d, needs.delays, needs.sos};
  const at::Tensor* like[6] = {&t.a, &t.b, &t.c, &t.d, &t.delays, &t.sos};
  std::array<at::Tensor, 6> result;
  std::int64_t at = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::int64_t count = like[i]->numel() / t.networks();
    if (wanted[i]) result[i] = all.slice(1, at, at + count).reshape(like[i]->sizes()).to(like[i]->scalar_type());
    at += count;
  }
  return result;
}

}  // namespace diffverb
