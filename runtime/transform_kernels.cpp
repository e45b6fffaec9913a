#include "runtime/transform_kernels.h"

#include <cmath>
#include <numbers>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/transform_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
// then
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace diffverb::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<double, kColumns>;
using V = hn::Vec<Wide>;

/// Its constructors are written out: GCC makes implicit ones without the instruction set of this namespace.
struct ComplexVec {
  HWY_INLINE ComplexVec() {}
  HWY_INLINE ComplexVec(V real, V imaginary) : re(real), im(imaginary) {}
  V re, im;
};

inline ComplexVec sum_of(const ComplexVec& a, const ComplexVec& b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
inline ComplexVec difference(const ComplexVec& a, const ComplexVec& b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
inline ComplexVec times(const ComplexVec& a, const ComplexVec& b) {
  return {hn::MulSub(a.re, b.re, hn::Mul(a.im, b.im)), hn::MulAdd(a.re, b.im, hn::Mul(a.im, b.re))};
}

/// a[k] = sum_j a[j] exp(-2 pi i j k / kRadix)
template <std::size_t kRadix>
struct Butterfly {
  Butterfly() {
    for (std::size_t k = 0; k < kRadix; ++k) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(kRadix);
      re[k] = std::cos(angle), im[k] = std::sin(angle);
    }
  }
  void operator()(ComplexVec* a) const {
    const Wide d;
    ComplexVec in[kRadix];
    for (std::size_t j = 0; j < kRadix; ++j) in[j] = a[j];
    for (std::size_t k = 0; k < kRadix; ++k) {
      a[k] = in[0];
      for (std::size_t j = 1; j < kRadix; ++j) {
        const std::size_t turn = j * k % kRadix;
        a[k] = sum_of(a[k], times(in[j], {hn::Set(d, re[turn]), hn::Set(d, im[turn])}));
      }
    }
  }
  double re[kRadix], im[kRadix];
};

template <>
struct Butterfly<2> {
  void operator()(ComplexVec* a) const {
    const ComplexVec first = a[0];
    a[0] = sum_of(first, a[1]), a[1] = difference(first, a[1]);
  }
};

template <>
struct Butterfly<4> {
  void operator()(ComplexVec* a) const {
    const ComplexVec even = sum_of(a[0], a[2]), odd = sum_of(a[1], a[3]), low = difference(a[0], a[2]),
                     high = difference(a[1], a[3]);
    a[0] = sum_of(even, odd), a[2] = difference(even, odd);
    a[1] = {hn::Add(low.re, high.im), hn::Sub(low.im, high.re)};
    a[3] = {hn::Sub(low.re, high.im), hn::Add(low.im, high.re)};
  }
};

template <std::size_t kRadix>
void pass_by(const ColumnPass& pass, const double* from, double* to) {
  const Wide d;
  const Butterfly<kRadix> butterfly;
  const std::size_t apart = pass.length * kColumns, step = apart / kRadix, row = pass.stride * kColumns;
  for (std::size_t p = 0; p < pass.length / pass.stride / kRadix; ++p) {
    ComplexVec turns[kRadix - 1];
    for (std::size_t k = 0; k + 1 < kRadix; ++k) {
      const double* turn = pass.turns + 2 * ((kRadix - 1) * p + k);
      turns[k] = {hn::Set(d, turn[0]), hn::Set(d, turn[1])};
    }
    for (std::size_t q = 0; q < row; q += hn::Lanes(d)) {
      ComplexVec a[kRadix];
      const double* x = from + p * row + q;
      for (std::size_t k = 0; k < kRadix; ++k) a[k] = {hn::LoadU(d, x + k * step), hn::LoadU(d, x + k * step + apart)};
      butterfly(a);
      double* y = to + p * row * kRadix + q;
      for (std::size_t k = 0; k < kRadix; ++k) {
        const ComplexVec turned = k == 0 ? a[0] : times(a[k], turns[k - 1]);
        hn::StoreU(turned.re, d, y + k * row);
        hn::StoreU(turned.im, d, y + k * row + apart);
      }
    }
  }
}

void PassColumns(const ColumnPass& pass, const double* from, double* to) {
  switch (pass.radix) {
    case 2:
      return pass_by<2>(pass, from, to);
    case 3:
      return pass_by<3>(pass, from, to);
    case 4:
      return pass_by<4>(pass, from, to);
    default:
      return pass_by<5>(pass, from, to);
  }
}

void TurnColumns(double* values, std::size_t apart, std::size_t rows, double* turns, const double* steps) {
  const Wide d;
  for (std::size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
    ComplexVec turn{hn::LoadU(d, turns + c), hn::LoadU(d, turns + kColumns + c)};
    const ComplexVec step{hn::LoadU(d, steps + c), hn::LoadU(d, steps + kColumns + c)};
    for (double* x = values + c; x < values + rows * kColumns; x += kColumns) {
      const ComplexVec turned = times({hn::LoadU(d, x), hn::LoadU(d, x + apart)}, turn);
      hn::StoreU(turned.re, d, x);
      hn::StoreU(turned.im, d, x + apart);
      turn = times(turn, step);
    }
    hn::StoreU(turn.re, d, turns + c);
    hn::StoreU(turn.im, d, turns + kColumns + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace diffverb::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb::runtime {

HWY_EXPORT(PassColumns);
HWY_EXPORT(TurnColumns);

void pass_columns(const ColumnPass& pass, const double* from, double* to) {
  HWY_DYNAMIC_DISPATCH(PassColumns)(pass, from, to);
}
void turn_columns(double* values, std::size_t apart, std::size_t rows, double* turns, const double* steps) {
  HWY_DYNAMIC_DISPATCH(TurnColumns)(values, apart, rows, turns, steps);
}

}  // namespace diffverb::runtime
#endif
