#include "core/solvers/nonlinear_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/solvers/nonlinear_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "core/solvers/nonlinear_kernel-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
using time_kernel::NonlinearBackwardF32;
using time_kernel::NonlinearBackwardF64;
using time_kernel::NonlinearForwardF32;
using time_kernel::NonlinearForwardF64;
using time_kernel::NonlinearTapeF32;
using time_kernel::NonlinearTapeF64;
using time_kernel::NonlinearWorkspaceF32;
using time_kernel::NonlinearWorkspaceF64;
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(NonlinearTapeF32);
HWY_EXPORT(NonlinearTapeF64);
HWY_EXPORT(NonlinearWorkspaceF32);
HWY_EXPORT(NonlinearWorkspaceF64);
HWY_EXPORT(NonlinearForwardF32);
HWY_EXPORT(NonlinearForwardF64);
HWY_EXPORT(NonlinearBackwardF32);
HWY_EXPORT(NonlinearBackwardF64);

template <>
std::size_t nonlinear_tape_size<float>(const NonlinearProblem<float>& problem) {
  return HWY_DYNAMIC_DISPATCH(NonlinearTapeF32)(problem);
}
template <>
std::size_t nonlinear_workspace_size<float>(const NonlinearProblem<float>& problem) {
  return HWY_DYNAMIC_DISPATCH(NonlinearWorkspaceF32)(problem);
}
template <>
void nonlinear_forward<float>(const NonlinearProblem<float>& problem, float* output, float* tape) {
  HWY_DYNAMIC_DISPATCH(NonlinearForwardF32)(problem, output, tape);
}
template <>
void nonlinear_backward<float>(const NonlinearProblem<float>& problem, const float* tape, const float* grad_output,
                               float* workspace, NonlinearGradient<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(NonlinearBackwardF32)(problem, tape, grad_output, workspace, gradient);
}

template <>
std::size_t nonlinear_tape_size<double>(const NonlinearProblem<double>& problem) {
  return HWY_DYNAMIC_DISPATCH(NonlinearTapeF64)(problem);
}
template <>
std::size_t nonlinear_workspace_size<double>(const NonlinearProblem<double>& problem) {
  return HWY_DYNAMIC_DISPATCH(NonlinearWorkspaceF64)(problem);
}
template <>
void nonlinear_forward<double>(const NonlinearProblem<double>& problem, double* output, double* tape) {
  HWY_DYNAMIC_DISPATCH(NonlinearForwardF64)(problem, output, tape);
}
template <>
void nonlinear_backward<double>(const NonlinearProblem<double>& problem, const double* tape, const double* grad_output,
                                double* workspace, NonlinearGradient<double>& gradient) {
  HWY_DYNAMIC_DISPATCH(NonlinearBackwardF64)(problem, tape, grad_output, workspace, gradient);
}

}  // namespace diffverb
#endif
