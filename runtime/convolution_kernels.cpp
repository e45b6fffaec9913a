#include "runtime/convolution_kernels.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/convolution_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;
using V = hn::Vec<Wide>;

HWY_INLINE int lanes() { return static_cast<int>(hn::Lanes(Wide())); }

/// A complex number in each lane. Its constructors are written out: implied ones lack the attributes of the instruction set,
/// and g++ for ARM then cannot inline what they call.
struct Complex {
  HWY_INLINE Complex() {}
  HWY_INLINE Complex(V real, V imaginary) : re(real), im(imaginary) {}
  V re, im;
};

HWY_INLINE Complex load(const float* re, const float* im) { return {hn::Load(Wide(), re), hn::Load(Wide(), im)}; }
HWY_INLINE Complex add(Complex a, Complex b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE Complex subtract(Complex a, Complex b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }
HWY_INLINE Complex turn(Complex a, V re, V im) {
  return {hn::NegMulAdd(a.im, im, hn::Mul(a.re, re)), hn::MulAdd(a.re, im, hn::Mul(a.im, re))};
}

/// The transform of four numbers.
struct Four {
  Complex y[4];
};
HWY_INLINE Four butterfly(Complex a, Complex b, Complex c, Complex d) {
  const Complex ac = add(a, c), a_c = subtract(a, c), bd = add(b, d), b_d = subtract(b, d);
  return {{add(ac, bd),
           {hn::Add(a_c.re, b_d.im), hn::Sub(a_c.im, b_d.re)},
           subtract(ac, bd),
           {hn::Sub(a_c.re, b_d.im), hn::Add(a_c.im, b_d.re)}}};
}

/// `turns` [6, quarter], those of this vector.
HWY_INLINE void turn_lanes(Four& four, const float* turns, int quarter) {
  const Wide d;
  for (int k = 1; k < 4; ++k)
    four.y[k] = turn(four.y[k], hn::Load(d, turns + (2 * k - 2) * quarter), hn::Load(d, turns + (2 * k - 1) * quarter));
}

/// Fours at i of the pass of stride 1: they interleave singly.
HWY_INLINE void store_singly(V a, V b, V c, V d, float* to) {
#if HWY_TARGET == HWY_SCALAR
  for (const V v : {a, b, c, d}) hn::Store(v, Wide(), to++);
#else
  hn::StoreInterleaved4(a, b, c, d, Wide(), to);
#endif
}

/// The same for stride 4 in vectors longer than that: they interleave by four lanes.
HWY_INLINE void store_blocks(V a, V b, V c, V d, float* to) {
#if HWY_TARGET != HWY_SCALAR && HWY_MAX_BYTES >= 32
  const Wide tag;
  const int width = lanes();
  if (width == 8) {
    hn::Store(hn::ConcatLowerLower(tag, b, a), tag, to);
    hn::Store(hn::ConcatLowerLower(tag, d, c), tag, to + 8);
    hn::Store(hn::ConcatUpperUpper(tag, b, a), tag, to + 16);
    hn::Store(hn::ConcatUpperUpper(tag, d, c), tag, to + 24);
    return;
  }
  // p = a0 a1 c0 c1 and so on.
  const V p = hn::ConcatLowerLower(tag, c, a), q = hn::ConcatLowerLower(tag, d, b);
  const V r = hn::ConcatUpperUpper(tag, c, a), s = hn::ConcatUpperUpper(tag, d, b);
  hn::Store(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(q), p), tag, to);
  hn::Store(hn::OddEvenBlocks(q, hn::SwapAdjacentBlocks(p)), tag, to + 16);
  hn::Store(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(s), r), tag, to + 32);
  hn::Store(hn::OddEvenBlocks(s, hn::SwapAdjacentBlocks(r)), tag, to + 48);
#else
  (void)a, (void)b, (void)c, (void)d, (void)to;  // no vector is that long
#endif
}

/// Turns and writes fours at i of the pass of stride 1.
HWY_INLINE void finish_first(Four& four, const Fours& fours, const float* turns, float* to, int i) {
  turn_lanes(four, turns + i, fours.size / 4 + kSkew);
  store_singly(four.y[0].re, four.y[1].re, four.y[2].re, four.y[3].re, to + 4 * i);
  store_singly(four.y[0].im, four.y[1].im, four.y[2].im, four.y[3].im, to + fours.size + kSkew + 4 * i);
}

void BeginForward(Fours fours, const float* before, const float* now, const float* twist, const float* turns,
                  float* to) {
  const Wide d;
  const int quarter = fours.size / 4;
  const auto twisted = [&](int i) HWY_ATTR {
    const V x = hn::Load(d, before + i), y = hn::Load(d, now + i);
    const V c = hn::Load(d, twist + i), s = hn::Load(d, twist + fours.size + kSkew + i);
    return Complex{hn::NegMulAdd(y, s, hn::Mul(x, c)), hn::Neg(hn::MulAdd(x, s, hn::Mul(y, c)))};
  };
  for (int i = fours.begin; i < fours.end; i += lanes()) {
    Four four = butterfly(twisted(i), twisted(i + quarter), twisted(i + 2 * quarter), twisted(i + 3 * quarter));
    finish_first(four, fours, turns, to, i);
  }
}

void BeginInverse(Fours fours, const float* spectrum, const float* turns, float* to) {
  const int quarter = fours.size / 4;
  const auto exchanged = [&](int i) HWY_ATTR {
    const float* at = spectrum + i / kGroup * 2 * kGroup + i % kGroup;
    return load(at + kGroup, at);
  };
  for (int i = fours.begin; i < fours.end; i += lanes()) {
    Four four = butterfly(exchanged(i), exchanged(i + quarter), exchanged(i + 2 * quarter), exchanged(i + 3 * quarter));
    finish_first(four, fours, turns, to, i);
  }
}

HWY_INLINE Four four_at(const float* from, int size, int i) {
  const int quarter = size / 4;
  const float* im = from + size + kSkew;
  return butterfly(load(from + i, im + i), load(from + i + quarter, im + i + quarter),
                   load(from + i + 2 * quarter, im + i + 2 * quarter),
                   load(from + i + 3 * quarter, im + i + 3 * quarter));
}

/// Strides shorter than a vector.
void go_on_by_lanes(const Fours& fours, const float* from, const float* turns, float* to) {
  for (int i = fours.begin; i < fours.end; i += lanes()) {
    Four four = four_at(from, fours.size, i);
    turn_lanes(four, turns + i, fours.size / 4 + kSkew);
    store_blocks(four.y[0].re, four.y[1].re, four.y[2].re, four.y[3].re, to + 4 * i);
    store_blocks(four.y[0].im, four.y[1].im, four.y[2].im, four.y[3].im, to + fours.size + kSkew + 4 * i);
  }
}

void GoOn(Fours fours, const float* from, const float* turns, float* to, int pass) {
  const Wide d;
  const int stride = 1 << 2 * pass;
  if (stride < lanes()) return go_on_by_lanes(fours, from, turns, to);
  const int row = fours.size / 4 + kSkew;
  for (int i = fours.begin; i < fours.end;) {
    const int p = i >> 2 * pass, end = std::min(fours.end, (p + 1) * stride);
    V w[6];
    for (int k = 0; k < 6; ++k) w[k] = hn::Set(d, stride == 4 ? turns[k * row + p * stride] : turns[6 * p + k]);
    float* at = to + 4 * p * stride + (i - p * stride);
    for (; i < end; i += lanes(), at += lanes()) {
      Four four = four_at(from, fours.size, i);
      for (int k = 1; k < 4; ++k) four.y[k] = turn(four.y[k], w[2 * k - 2], w[2 * k - 1]);
      for (int k = 0; k < 4; ++k) {
        hn::Store(four.y[k].re, d, at + k * stride);
        hn::Store(four.y[k].im, d, at + k * stride + fours.size + kSkew);
      }
    }
  }
}

/// The last pass: put(n, the transform at n), a vector at a time.
template <class Put>
HWY_INLINE void end(const Fours& fours, const float* from, const Put& put) {
  int stride = 4;
  while (4 * stride < fours.size) stride *= 4;
  if (4 * stride == fours.size) {
    for (int i = fours.begin; i < fours.end; i += lanes()) {
      const Four four = four_at(from, fours.size, i);
      for (int k = 0; k < 4; ++k) put(i + k * stride, four.y[k]);
    }
    return;
  }
  const int half = fours.size / 2;
  const float* im = from + fours.size + kSkew;
  for (int i = 2 * fours.begin; i < 2 * fours.end; i += lanes()) {
    const Complex a = load(from + i, im + i), b = load(from + i + half, im + i + half);
    put(i, add(a, b));
    put(i + half, subtract(a, b));
  }
}

void EndForward(Fours fours, const float* from, float* spectrum, std::size_t group_stride) {
  const Wide d;
  end(fours, from, [&](int n, Complex y) HWY_ATTR {
    float* at = spectrum + static_cast<std::size_t>(n / kGroup) * group_stride + n % kGroup;
    hn::Store(y.re, d, at);
    hn::Store(y.im, d, at + kGroup);
  });
}

void EndInverse(Fours fours, const float* from, const float* untwist, float* to) {
  const Wide d;
  end(fours, from, [&](int n, Complex y) HWY_ATTR {
    const V re = hn::Mul(y.re, hn::Load(d, untwist + n));
    hn::Store(hn::MulAdd(y.im, hn::Load(d, untwist + fours.size + kSkew + n), re), d, to + n);
  });
}

constexpr int kTogether = 4;  // vectors of bins whose sums stay in registers

/// Adds the products of `count` factors, 2 kGroup floats apart.
HWY_INLINE void add_products(const float* a, const float* b, int count, Complex* sum) {
  const int width = lanes();
  for (int f = 0; f < count; ++f, a += 2 * kGroup, b += 2 * kGroup) {
    for (int j = 0; j < kTogether; ++j) {
      const Complex x = load(a + j * width, a + kGroup + j * width), y = load(b + j * width, b + kGroup + j * width);
      sum[j].re = hn::NegMulAdd(x.im, y.im, hn::MulAdd(x.re, y.re, sum[j].re));
      sum[j].im = hn::MulAdd(x.im, y.re, hn::MulAdd(x.re, y.im, sum[j].im));
    }
  }
}

void MultiplySpectra(const SpectrumProducts& products, int groups, float* sum) {
  const Wide d;
  const int width = lanes();
  for (int g = 0; g < groups; ++g) {
    const float* filters = products.filters + static_cast<std::size_t>(g) * products.filters_stride;
    const float* inputs = products.inputs + static_cast<std::size_t>(g) * products.inputs_stride;
    for (int bin = 0; bin < kGroup; bin += kTogether * width) {
      Complex sums[kTogether];
      for (Complex& one : sums) one = {hn::Zero(d), hn::Zero(d)};
      add_products(filters + bin, inputs + products.first_at * 2 * kGroup + bin, products.first, sums);
      add_products(filters + products.first * 2 * kGroup + bin, inputs + bin, products.second, sums);
      for (int j = 0; j < kTogether; ++j) {
        hn::Store(sums[j].re, d, sum + g * 2 * kGroup + bin + j * width);
        hn::Store(sums[j].im, d, sum + g * 2 * kGroup + kGroup + bin + j * width);
      }
    }
  }
}

/// kVectors vectors of samples. In which of both sums a tap is differs from lane to lane, and does not matter.
template <int kVectors>
HWY_INLINE void head_at(const float* rows, int taps, const float* x, const float* tail, float* y) {
  const Wide d;
  const int width = lanes();
  V sum[kVectors], other[kVectors];
  for (int j = 0; j < kVectors; ++j) sum[j] = other[j] = hn::Zero(d);
  const float* row = rows + (kHeadLanes - width) * kHeadLanes;
  const int count = taps + width - 1;
  int r = 0;
  for (; r + 2 <= count; r += 2, row += 2 * kHeadLanes) {
    const float* newest = x + width - 1 - r;
    const V first = hn::Load(d, row), second = hn::Load(d, row + kHeadLanes);
    for (int j = 0; j < kVectors; ++j) {
      sum[j] = hn::MulAdd(first, hn::Set(d, newest[j * width]), sum[j]);
      other[j] = hn::MulAdd(second, hn::Set(d, newest[j * width - 1]), other[j]);
    }
  }
  for (int j = 0; j < kVectors; ++j) {
    if (r < count) sum[j] = hn::MulAdd(hn::Load(d, row), hn::Set(d, x[width - 1 - r + j * width]), sum[j]);
    auto added = hn::Add(sum[j], other[j]);
    if (tail) added = hn::Add(hn::LoadU(d, tail + j * width), added);
    hn::StoreU(hn::Add(hn::LoadU(d, y + j * width), added), d, y + j * width);
  }
}

void AddHead(const float* rows, int taps, const float* x, const float* tail, float* y, int frames) {
  const int width = lanes();
  const auto tail_at = [tail](int t) { return tail ? tail + t : nullptr; };
  int t = 0;
  for (; t + 4 * width <= frames; t += 4 * width) head_at<4>(rows, taps, x + t, tail_at(t), y + t);
  for (; t + width <= frames; t += width) head_at<1>(rows, taps, x + t, tail_at(t), y + t);
  if (t == frames) return;
  HWY_ALIGN float last[kHeadLanes] = {};
  std::copy(y + t, y + frames, last);
  head_at<1>(rows, taps, x + t, tail_at(t), last);
  std::copy_n(last, frames - t, y + t);
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(BeginForward);
HWY_EXPORT(BeginInverse);
HWY_EXPORT(GoOn);
HWY_EXPORT(EndForward);
HWY_EXPORT(EndInverse);
HWY_EXPORT(MultiplySpectra);
HWY_EXPORT(AddHead);

void begin_forward(Fours fours, const float* before, const float* now, const float* twist, const float* turns,
                   float* to) {
  HWY_DYNAMIC_DISPATCH(BeginForward)(fours, before, now, twist, turns, to);
}
void begin_inverse(Fours fours, const float* spectrum, const float* turns, float* to) {
  HWY_DYNAMIC_DISPATCH(BeginInverse)(fours, spectrum, turns, to);
}
void go_on(Fours fours, const float* from, const float* turns, float* to, int pass) {
  HWY_DYNAMIC_DISPATCH(GoOn)(fours, from, turns, to, pass);
}
void end_forward(Fours fours, const float* from, float* spectrum, std::size_t group_stride) {
  HWY_DYNAMIC_DISPATCH(EndForward)(fours, from, spectrum, group_stride);
}
void end_inverse(Fours fours, const float* from, const float* untwist, float* to) {
  HWY_DYNAMIC_DISPATCH(EndInverse)(fours, from, untwist, to);
}
void multiply_spectra(const SpectrumProducts& products, int groups, float* sum) {
  HWY_DYNAMIC_DISPATCH(MultiplySpectra)(products, groups, sum);
}
void add_head(const float* rows, int taps, const float* x, const float* tail, float* y, int frames) {
  HWY_DYNAMIC_DISPATCH(AddHead)(rows, taps, x, tail, y, frames);
}

}  // namespace diffverb::runtime
#endif
