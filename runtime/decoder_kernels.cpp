#include "runtime/decoder_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/decoder_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/contrib/math/math-inl.h>
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
  float first[16];
  double power = 1;
  for (int l = 0; l < width; ++l, power *= shaped.ratio) first[l] = static_cast<float>(shaped.gain * power);
  const auto step = hn::Set(d, static_cast<float>(power));
  auto gain = hn::LoadU(d, first);
  const float* other = shaped.own != 0 ? shaped.other : shaped.noise;
  int t = 0;
  for (; t + width <= frames; t += width, gain = hn::Mul(gain, step)) {
    auto noise = hn::Mul(same, hn::LoadU(d, shaped.noise + t));
    if (shaped.own != 0) noise = hn::MulAdd(own, hn::LoadU(d, other + t), noise);
    hn::StoreU(hn::MulAdd(gain, noise, hn::LoadU(d, out + t)), d, out + t);
  }
  hn::StoreU(gain, d, first);
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

template <int kRows>
void add_products_of(const float* weights, int count, const float* const* in, float* out, std::size_t stride,
                     int frames) {
  constexpr int kVectors = 3;
  const Wide d;
  const int width = static_cast<int>(hn::Lanes(d));
  for (int t = 0; t < frames; t += kVectors * width) {
    hn::Vec<Wide> sum[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kVectors; ++j) sum[r][j] = hn::LoadU(d, out + r * stride + t + j * width);
    }
    for (int c = 0; c < count; ++c) {
      hn::Vec<Wide> x[kVectors];
      for (int j = 0; j < kVectors; ++j) x[j] = hn::LoadU(d, in[c] + t + j * width);
      for (int r = 0; r < kRows; ++r) {
        const auto weight = hn::Set(d, weights[r * count + c]);
        for (int j = 0; j < kVectors; ++j) sum[r][j] = hn::MulAdd(weight, x[j], sum[r][j]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kVectors; ++j) hn::StoreU(sum[r][j], d, out + r * stride + t + j * width);
    }
  }
}

void AddProducts(const float* weights, int count, const float* const* in, int rows, float* out, std::size_t stride,
                 int frames) {
  int r = 0;
  for (; r + 4 <= rows; r += 4) add_products_of<4>(weights + r * count, count, in, out + r * stride, stride, frames);
  for (; r < rows; ++r) add_products_of<1>(weights + r * count, count, in, out + r * stride, stride, frames);
}

void Gate(const float* a, const float* b, float* out, int frames) {
  const Wide d;
  const auto one = hn::Set(d, 1.0f), highest = hn::Set(d, 80.0f);
  for (int t = 0; t < frames; t += static_cast<int>(hn::Lanes(d))) {
    const auto x = hn::Clamp(hn::LoadU(d, a + t), hn::Neg(highest), highest);
    const auto y = hn::Clamp(hn::LoadU(d, b + t), hn::Neg(highest), highest);
    hn::StoreU(hn::Div(hn::Tanh(d, x), hn::Add(one, hn::Exp(d, hn::Neg(y)))), d, out + t);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(AddShapedNoise);
HWY_EXPORT(AddScaled);
HWY_EXPORT(AddProducts);
HWY_EXPORT(Gate);

void add_shaped_noise(const ShapedNoise& shaped, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(AddShapedNoise)(shaped, out, frames);
}
void add_scaled(float gain, const float* in, float* out, int frames) {
  HWY_DYNAMIC_DISPATCH(AddScaled)(gain, in, out, frames);
}
void add_products(const float* weights, int count, const float* const* in, int rows, float* out, std::size_t stride,
                  int frames) {
  HWY_DYNAMIC_DISPATCH(AddProducts)(weights, count, in, rows, out, stride, frames);
}
void gate(const float* a, const float* b, float* out, int frames) { HWY_DYNAMIC_DISPATCH(Gate)(a, b, out, frames); }

}  // namespace diffverb::runtime
#endif
