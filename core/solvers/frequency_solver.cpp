#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/solvers/frequency_kernel.h"
#include "core/solvers/frequency_library.h"
#include "core/solvers/solver_tensors.h"
#include "core/solvers/solvers.h"

namespace diffverb {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The grid is cut into this many chunks whatever the number of threads, and their sums are added in order: the
/// gradient does not depend on the machine's load or its number of cores.
constexpr std::int64_t kChunks = 32;

struct FrequencyTensors {
  torch::Tensor a, b, c, d, delays, sos, omega;  // contiguous
  double radius = 1;
};

template <typename Scalar>
FrequencyProblem<Scalar> problem_of(const FrequencyTensors& t) {
  FrequencyProblem<Scalar> p;
  p.bins = static_cast<int>(t.omega.size(0));
  p.lines = static_cast<int>(t.a.size(0));
  p.inputs = static_cast<int>(t.b.size(1));
  p.outputs = static_cast<int>(t.c.size(0));
  p.sections = static_cast<int>(t.sos.size(1));
  p.a = t.a.const_data_ptr<Scalar>();
  p.b = t.b.const_data_ptr<Scalar>();
  p.c = t.c.const_data_ptr<Scalar>();
  p.d = t.d.const_data_ptr<Scalar>();
  p.delays = t.delays.const_data_ptr<double>();
  p.sos = t.sos.const_data_ptr<double>();
  p.omega = t.omega.const_data_ptr<double>();
  p.radius = t.radius;
  return p;
}

/// Calls work(chunk, begin, end) for every chunk of bins, a whole number of SIMD registers each.
template <typename Scalar, typename Work>
void for_each_chunk(std::int64_t bins, const Work& work) {
  const std::int64_t lanes = frequency_lanes<Scalar>();
  const std::int64_t packs = (bins + lanes - 1) / lanes;
  const std::int64_t size = (packs + kChunks - 1) / kChunks * lanes;
  at::parallel_for(0, kChunks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t chunk = first; chunk < last; ++chunk) {
      const std::int64_t begin = std::min(chunk * size, bins), end = std::min(begin + size, bins);
      if (begin < end) work(chunk, static_cast<int>(begin), static_cast<int>(end));
    }
  });
}

template <typename Scalar>
torch::Tensor forward_on_cpu(const FrequencyTensors& t) {
  const auto problem = problem_of<Scalar>(t);
  auto h = at::empty({problem.outputs, problem.inputs, problem.bins},
                     t.a.options().dtype(c10::toComplexType(t.a.scalar_type())));
  auto* out = static_cast<Scalar*>(h.mutable_data_ptr());
  for_each_chunk<Scalar>(problem.bins,
                         [&](std::int64_t, int begin, int end) { frequency_forward(problem, begin, end, out); });
  return h;
}

template <typename Scalar>
FrequencyGradient backward_on_cpu(const FrequencyTensors& t, const torch::Tensor& grad_h, const FrequencyNeeds& needs) {
  const auto problem = problem_of<Scalar>(t);
  const auto* in = static_cast<const Scalar*>(grad_h.const_data_ptr());
  std::vector<FrequencyGradient> parts(kChunks);
  for_each_chunk<Scalar>(problem.bins, [&](std::int64_t chunk, int begin, int end) {
    parts[chunk].resize(problem);
    frequency_backward(problem, begin, end, in, needs, parts[chunk]);
  });
  for (std::int64_t chunk = 1; chunk < kChunks; ++chunk) {
    if (!parts[chunk].a.empty()) parts[0].add(parts[chunk]);
  }
  return std::move(parts[0]);
}

torch::Tensor forward_by_kernel(const FrequencyTensors& t) {
  return t.a.scalar_type() == torch::kFloat32 ? forward_on_cpu<float>(t) : forward_on_cpu<double>(t);
}

FrequencyGradient backward_by_kernel(const FrequencyTensors& t, const torch::Tensor& grad_h,
                                     const FrequencyNeeds& needs) {
  return t.a.scalar_type() == torch::kFloat32 ? backward_on_cpu<float>(t, grad_h, needs)
                                              : backward_on_cpu<double>(t, grad_h, needs);
}

class FrequencyResponse : public torch::autograd::Function<FrequencyResponse> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& a, const torch::Tensor& b,
                               const torch::Tensor& c, const torch::Tensor& d, const torch::Tensor& delays,
                               const torch::Tensor& sos, const torch::Tensor& omega, double radius) {
    const FrequencyTensors t{a.contiguous(),      b.contiguous(),   c.contiguous(),     d.contiguous(),
                             delays.contiguous(), sos.contiguous(), omega.contiguous(), radius};
    context->save_for_backward({t.a, t.b, t.c, t.d, t.delays, t.sos, t.omega});
    context->saved_data["radius"] = radius;
    return forward_by_kernel(t);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    require_first_order("frequency_response");
    const auto saved = context->get_saved_variables();
    const FrequencyTensors t{saved[0], saved[1], saved[2], saved[3],
                             saved[4], saved[5], saved[6], context->saved_data["radius"].toDouble()};
    FrequencyNeeds needs;
    bool* const wanted[6] = {&needs.a, &needs.b, &needs.c, &needs.d, &needs.delays, &needs.sos};
    for (std::size_t i = 0; i < 6; ++i) *wanted[i] = context->needs_input_grad(i);
    const auto gradient = backward_by_kernel(t, grads[0].resolve_conj().contiguous(), needs);
    const std::vector<double>* const sums[6] = {&gradient.a, &gradient.b,      &gradient.c,
                                                &gradient.d, &gradient.delays, &gradient.sos};
    variable_list result(8);
    for (std::size_t i = 0; i < 6; ++i) {
      if (*wanted[i]) result[i] = tensor_like(*sums[i], saved[i]);
    }
    return result;
  }
};

}  // namespace

torch::Tensor frequency_response(const DelayNetwork& network, const torch::Tensor& omega_rad, double radius) {
  network.check();
  if (omega_rad.dim() != 1 || omega_rad.scalar_type() != torch::kFloat64 || omega_rad.device() != network.a.device()) {
    throw ContractError(
        "frequency_response: the grid must be a float64 vector of radians a sample on the network's device");
  }
  if (!(radius >= 1) || !std::isfinite(radius)) {
    throw ContractError("frequency_response: radius is " + std::to_string(radius) + ", expected at least 1");
  }
  if (omega_rad.size(0) == 0) throw ContractError("frequency_response: the grid has no bins");
  if (!network.a.device().is_cpu()) return frequency_response_by_library(network, omega_rad.detach(), radius);
  return FrequencyResponse::apply(network.a, network.b, network.c, network.d, network.delays, network.line_sos,
                                  omega_rad.detach(), radius);
}

}  // namespace diffverb
