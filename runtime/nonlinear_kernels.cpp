#include "runtime/nonlinear_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/nonlinear_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;

inline int width() { return static_cast<int>(hn::Lanes(Wide())); }

void AddSquare(const float* x, int frames, float* sum) {
  const Wide d;
  for (int t = 0; t < frames; t += width()) {
    const auto value = hn::LoadU(d, x + t);
    hn::StoreU(hn::MulAdd(value, value, hn::LoadU(d, sum + t)), d, sum + t);
  }
}

void AddScaledSquare(float gain, const float* alpha, const float* s, int frames, float* w) {
  const Wide d;
  const auto by = hn::Set(d, gain);
  for (int t = 0; t < frames; t += width()) {
    const auto value = hn::LoadU(d, s + t), scaled = hn::Mul(hn::Mul(by, hn::LoadU(d, alpha + t)), value);
    hn::StoreU(hn::MulAdd(scaled, value, hn::LoadU(d, w + t)), d, w + t);
  }
}

void Multiply(const float* b, int frames, float* a) {
  const Wide d;
  for (int t = 0; t < frames; t += width()) hn::StoreU(hn::Mul(hn::LoadU(d, a + t), hn::LoadU(d, b + t)), d, a + t);
}

void Saturate(float limit, int frames, float* x) {
  const Wide d;
  const auto size = hn::Set(d, limit), inverse = hn::Set(d, 1 / limit);
  for (int t = 0; t < frames; t += width()) {
    const auto value = hn::Mul(size, hn::Tanh(d, hn::Mul(inverse, hn::LoadU(d, x + t))));
    hn::StoreU(hn::IfThenZeroElse(hn::IsNaN(value), value), d, x + t);  // of infinities that cancelled
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(AddSquare);
HWY_EXPORT(AddScaledSquare);
HWY_EXPORT(Multiply);
HWY_EXPORT(Saturate);

void add_square(const float* x, int frames, float* sum) { HWY_DYNAMIC_DISPATCH(AddSquare)(x, frames, sum); }
void add_scaled_square(float gain, const float* alpha, const float* s, int frames, float* w) {
  HWY_DYNAMIC_DISPATCH(AddScaledSquare)(gain, alpha, s, frames, w);
}
void multiply(const float* b, int frames, float* a) { HWY_DYNAMIC_DISPATCH(Multiply)(b, frames, a); }
void saturate(float limit, int frames, float* x) { HWY_DYNAMIC_DISPATCH(Saturate)(limit, frames, x); }

}  // namespace diffverb::runtime
#endif
