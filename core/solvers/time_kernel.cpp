#include "core/solvers/time_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/solvers/time_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "core/solvers/time_kernel-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
using time_kernel::TapeSizeF32;
using time_kernel::TapeSizeF64;
using time_kernel::TimeBackwardF32;
using time_kernel::TimeBackwardF64;
using time_kernel::TimeForwardF32;
using time_kernel::TimeForwardF64;
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(TapeSizeF32);
HWY_EXPORT(TapeSizeF64);
HWY_EXPORT(TimeForwardF32);
HWY_EXPORT(TimeForwardF64);
HWY_EXPORT(TimeBackwardF32);
HWY_EXPORT(TimeBackwardF64);

template <>
std::size_t time_tape_size<float>(const TimeProblem<float>& problem) {
  return HWY_DYNAMIC_DISPATCH(TapeSizeF32)(problem);
}
template <>
std::size_t time_tape_size<double>(const TimeProblem<double>& problem) {
  return HWY_DYNAMIC_DISPATCH(TapeSizeF64)(problem);
}
template <>
void time_forward<float>(const TimeProblem<float>& problem, float* output, float* tape) {
  HWY_DYNAMIC_DISPATCH(TimeForwardF32)(problem, output, tape);
}
template <>
void time_forward<double>(const TimeProblem<double>& problem, double* output, double* tape) {
  HWY_DYNAMIC_DISPATCH(TimeForwardF64)(problem, output, tape);
}
template <>
void time_backward<float>(const TimeProblem<float>& problem, const float* tape, const float* grad_output,
                          float* workspace, TimeGradient<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(TimeBackwardF32)(problem, tape, grad_output, workspace, gradient);
}
template <>
void time_backward<double>(const TimeProblem<double>& problem, const double* tape, const double* grad_output,
                           double* workspace, TimeGradient<double>& gradient) {
  HWY_DYNAMIC_DISPATCH(TimeBackwardF64)(problem, tape, grad_output, workspace, gradient);
}

template <typename Scalar>
std::size_t time_workspace_size(const TimeProblem<Scalar>& p) {
  const std::int64_t longest = *std::max_element(p.delays, p.delays + p.lines);
  const std::size_t signals = p.sections > 0 ? 2 : 1;
  return static_cast<std::size_t>(p.lines) * (signals * p.samples + longest);
}
template std::size_t time_workspace_size(const TimeProblem<float>&);
template std::size_t time_workspace_size(const TimeProblem<double>&);

}  // namespace diffverb
#endif
