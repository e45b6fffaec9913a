#include "core/solvers/frequency_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/solvers/frequency_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "core/solvers/frequency_kernel-inl.h"
// clang-format on

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(ForwardF32);
HWY_EXPORT(ForwardF64);
HWY_EXPORT(BackwardF32);
HWY_EXPORT(BackwardF64);
HWY_EXPORT(LanesF32);
HWY_EXPORT(LanesF64);

template <>
void frequency_forward<float>(const FrequencyProblem<float>& problem, int begin, int end, float* h,
                              const FrequencyNeeds& needs, float* states) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(problem, begin, end, h, needs, states);
}
template <>
void frequency_forward<double>(const FrequencyProblem<double>& problem, int begin, int end, double* h,
                               const FrequencyNeeds& needs, double* states) {
  HWY_DYNAMIC_DISPATCH(ForwardF64)(problem, begin, end, h, needs, states);
}
template <>
void frequency_backward<float>(const FrequencyProblem<float>& problem, int begin, int end, const float* grad_h,
                               const FrequencyNeeds& needs, const float* states, FrequencyGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(BackwardF32)(problem, begin, end, grad_h, needs, states, gradient);
}
template <>
void frequency_backward<double>(const FrequencyProblem<double>& problem, int begin, int end, const double* grad_h,
                                const FrequencyNeeds& needs, const double* states, FrequencyGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(BackwardF64)(problem, begin, end, grad_h, needs, states, gradient);
}
template <>
int frequency_lanes<float>() {
  return HWY_DYNAMIC_DISPATCH(LanesF32)();
}
template <>
int frequency_lanes<double>() {
  return HWY_DYNAMIC_DISPATCH(LanesF64)();
}

template <typename Scalar>
void FrequencyGradient::resize(const FrequencyProblem<Scalar>& p) {
  const std::size_t n = p.lines;
  a.assign(n * n, 0);
  b.assign(n * p.inputs, 0);
  c.assign(n * p.outputs, 0);
  d.assign(static_cast<std::size_t>(p.outputs) * p.inputs, 0);
  delays.assign(n, 0);
  sos.assign(5 * n * p.sections, 0);
}

void FrequencyGradient::add(const FrequencyGradient& other) {
  const auto sum = [](std::vector<double>& into, const std::vector<double>& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
  };
  sum(a, other.a);
  sum(b, other.b);
  sum(c, other.c);
  sum(d, other.d);
  sum(delays, other.delays);
  sum(sos, other.sos);
}

template void FrequencyGradient::resize(const FrequencyProblem<float>&);
template void FrequencyGradient::resize(const FrequencyProblem<double>&);

}  // namespace diffverb
#endif
