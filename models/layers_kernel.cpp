#include "models/layers_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/layers_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "models/layers_kernel-inl.h"
// clang-format on

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(ConvForwardF32);
HWY_EXPORT(ConvForwardF64);
HWY_EXPORT(ConvBackwardF32);
HWY_EXPORT(ConvBackwardF64);

template <>
void conv_forward<float>(const ConvProblem<float>& problem, std::int64_t begin, std::int64_t end, float* output,
                         ConvSums& sums) {
  HWY_DYNAMIC_DISPATCH(ConvForwardF32)(problem, begin, end, output, sums);
}
template <>
void conv_forward<double>(const ConvProblem<double>& problem, std::int64_t begin, std::int64_t end, double* output,
                          ConvSums& sums) {
  HWY_DYNAMIC_DISPATCH(ConvForwardF64)(problem, begin, end, output, sums);
}
template <>
void conv_backward<float>(const ConvProblem<float>& problem, std::int64_t begin, std::int64_t end,
                          const ConvGradientInput<float>& in, float* grad_input, ConvGradient<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(ConvBackwardF32)(problem, begin, end, in, grad_input, gradient);
}
template <>
void conv_backward<double>(const ConvProblem<double>& problem, std::int64_t begin, std::int64_t end,
                           const ConvGradientInput<double>& in, double* grad_input, ConvGradient<double>& gradient) {
  HWY_DYNAMIC_DISPATCH(ConvBackwardF64)(problem, begin, end, in, grad_input, gradient);
}

template <typename Scalar>
void ConvGradient<Scalar>::resize(const ConvProblem<Scalar>& p) {
  kernel.assign(p.kernel_size(), 0);
  bias.assign(p.output_c(), 0);
  scale.assign(p.scale ? p.input_c() : 0, 0);
  shift.assign(p.scale ? p.input_c() : 0, 0);
}

template <typename Scalar>
void ConvGradient<Scalar>::add(const ConvGradient& other) {
  const auto sum = [](auto& into, const auto& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
  };
  sum(kernel, other.kernel);
  sum(bias, other.bias);
  sum(scale, other.scale);
  sum(shift, other.shift);
}

template struct ConvGradient<float>;
template struct ConvGradient<double>;

}  // namespace diffverb
#endif
