#include "core/solvers/varying_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/solvers/varying_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "core/solvers/varying_kernel-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
using time_kernel::VaryingBackwardF32;
using time_kernel::VaryingBackwardF64;
using time_kernel::VaryingForwardF32;
using time_kernel::VaryingForwardF64;
using time_kernel::VaryingTapeF32;
using time_kernel::VaryingTapeF64;
using time_kernel::VaryingWorkspaceF32;
using time_kernel::VaryingWorkspaceF64;
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(VaryingTapeF32);
HWY_EXPORT(VaryingTapeF64);
HWY_EXPORT(VaryingWorkspaceF32);
HWY_EXPORT(VaryingWorkspaceF64);
HWY_EXPORT(VaryingForwardF32);
HWY_EXPORT(VaryingForwardF64);
HWY_EXPORT(VaryingBackwardF32);
HWY_EXPORT(VaryingBackwardF64);

template <>
std::size_t varying_tape_size<float>(const VaryingProblem<float>& problem) {
  return HWY_DYNAMIC_DISPATCH(VaryingTapeF32)(problem);
}
template <>
std::size_t varying_workspace_size<float>(const VaryingProblem<float>& problem) {
  return HWY_DYNAMIC_DISPATCH(VaryingWorkspaceF32)(problem);
}
template <>
void varying_forward<float>(const VaryingProblem<float>& problem, float* output, float* tape) {
  HWY_DYNAMIC_DISPATCH(VaryingForwardF32)(problem, output, tape);
}
template <>
void varying_backward<float>(const VaryingProblem<float>& problem, const float* tape, const float* grad_output,
                             float* workspace, VaryingGradient<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(VaryingBackwardF32)(problem, tape, grad_output, workspace, gradient);
}

template <>
std::size_t varying_tape_size<double>(const VaryingProblem<double>& problem) {
  return HWY_DYNAMIC_DISPATCH(VaryingTapeF64)(problem);
}
template <>
std::size_t varying_workspace_size<double>(const VaryingProblem<double>& problem) {
  return HWY_DYNAMIC_DISPATCH(VaryingWorkspaceF64)(problem);
}
template <>
void varying_forward<double>(const VaryingProblem<double>& problem, double* output, double* tape) {
  HWY_DYNAMIC_DISPATCH(VaryingForwardF64)(problem, output, tape);
}
template <>
void varying_backward<double>(const VaryingProblem<double>& problem, const double* tape, const double* grad_output,
                              double* workspace, VaryingGradient<double>& gradient) {
  HWY_DYNAMIC_DISPATCH(VaryingBackwardF64)(problem, tape, grad_output, workspace, gradient);
}

}  // namespace diffverb
#endif
