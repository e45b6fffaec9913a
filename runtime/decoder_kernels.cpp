#include "runtime/decoder_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/decoder_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;

void AddShapedNoise(const ShapedNoise& shaped, float* out, int frames) {
  const Wide d;
  const int width = static_cast<int>(hn::Lanes(d));
  const auto same = hn::Set(d, shaped.same), own = hn::Set(d, shaped.own);
  HWY_ALIGN float first[16];
  double power = 1;
  for (int l = 0; l < width; ++l, power *= shaped.ratio) first[l] = static_cast<float>(shaped.gain * power);
  const auto step = hn::Set(d, static_cast<float>(power));
  auto gain = hn::Load(d, first);
  const float* other = shaped.own != 0 ? shaped.other : shaped.noise;
  int t = 0;
  for (; t + width <= frames; t += width, gain = hn::Mul(gain, step)) {
    auto noise = hn::Mul(same, hn::LoadU(d, shaped.noise + t));
    if (shaped.own != 0) noise = hn::MulAdd(own, hn::LoadU(d, other + t), noise);
    hn::StoreU(hn::MulAdd(gain, noise, hn::LoadU(d, out + t)), d, out + t);
  }
  hn::Store(gain, d, first);
  for (int l = 0; t < frames; ++t, ++l) out[t] += first[l] * (shaped.same * shaped.noise[t] + shaped.own * other[t]);
}

void AddScaled(float gain, const float* in, float* out, int frames) {
  const Wide d;
  const int width = static_cast<int>(hn::Lanes(d));
  const auto factor = hn::Set(d, gain);
  int t = 0;
  for (; t + width <= frames; t += width)
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, in + t), hn::LoadU(d, out + t)), d, out + t);
  for (; t < frames; ++t) out[t] += gain * in[t];
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(AddShapedNoise);
HWY_EXPORT(AddScaled);

void add_shaped_noise(const ShapedNoise& shaped, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(AddShapedNoise)(shaped, out, frames);
}
void add_scaled(float gain, const float* in, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(AddScaled)(gain, in, out, frames);
}

}  // namespace diffverb::runtime
#endif
