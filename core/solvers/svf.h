#pragma once

#include <cmath>

#include "core/device/host_device.h"

namespace diffverb {

/// A number with its partial derivatives to `Count` inputs: enough forward differentiation for a coefficient
/// conversion.
template <int Count>
struct Dual {
  double value = 0;
  double partial[Count] = {};

  DIFFVERB_BIN static Dual variable(double v, int index) {
    Dual d{v, {}};
    d.partial[index] = 1;
    return d;
  }
  DIFFVERB_BIN friend Dual operator+(Dual a, const Dual& b) { return a.combine(b, a.value + b.value, 1, 1); }
  DIFFVERB_BIN friend Dual operator-(Dual a, const Dual& b) { return a.combine(b, a.value - b.value, 1, -1); }
  DIFFVERB_BIN friend Dual operator*(Dual a, const Dual& b) {
    return a.combine(b, a.value * b.value, b.value, a.value);
  }
  DIFFVERB_BIN friend Dual operator/(Dual a, const Dual& b) {
    return a.combine(b, a.value / b.value, 1 / b.value, -a.value / (b.value * b.value));
  }
  DIFFVERB_BIN friend Dual operator+(Dual a, double b) { return a + Dual{b, {}}; }
  DIFFVERB_BIN friend Dual operator-(double a, const Dual& b) { return Dual{a, {}} - b; }
  DIFFVERB_BIN friend Dual operator*(double a, Dual b) { return b * Dual{a, {}}; }
  DIFFVERB_BIN friend Dual operator/(double a, const Dual& b) { return Dual{a, {}} / b; }
  DIFFVERB_BIN friend Dual sqrt(Dual a) {
    const double root = std::sqrt(a.value);
    return a.combine(Dual{}, root, 0.5 / root, 0);
  }

 private:
  DIFFVERB_BIN Dual combine(const Dual& other, double result, double own, double theirs) {
    value = result;
    for (int i = 0; i < Count; ++i) partial[i] = own * partial[i] + theirs * other.partial[i];
    return *this;
  }
};

/// A biquad as a trapezoidal state-variable filter (Simper 2013, "Solving the continuous SVF equations").
///
///   v3 = x - z2,  v1 = a1 z1 + a2 v3,  v2 = z2 + a2 z1 + a3 v3,  z1 += 2 (v1 - z1),  z2 += 2 (v2 - z2)
///   y  = m0 x + m1 v1 + m2 v2
///
/// Same transfer function as the direct form, but its coefficients stay well conditioned down to a few hertz: in
/// float32 a direct form at 63 Hz and 48 kHz is off by 0.2 % in gain, which a feedback loop turns into percents of
/// decay time.
template <typename Real>
struct Svf {
  Real a1{}, a2{}, a3{}, m0{}, m1{}, m2{};
};

/// Converts one stable section b0 b1 b2 a1 a2 (a0 = 1). `Real` is double or Dual<5>.
template <typename Real>
DIFFVERB_BIN Svf<Real> svf_from_sos(const Real& b0, const Real& b1, const Real& b2, const Real& a1, const Real& a2) {
  using std::sqrt;
  const Real at_dc = a1 + a2 + 1.0, at_nyquist = 1.0 - a1 + a2;
  const Real g = sqrt(at_dc / at_nyquist);
  const Real scale = 2.0 / (at_nyquist * g);
  const Real k = (1.0 - a2) * scale;
  Svf<Real> svf;
  svf.a1 = 1.0 / (g * (g + k) + 1.0);
  svf.a2 = g * svf.a1;
  svf.a3 = g * svf.a2;
  svf.m0 = (b0 - b1 + b2) / at_nyquist;
  svf.m1 = (b0 - b2) * scale - svf.m0 * k;
  svf.m2 = (b0 + b1 + b2) / at_dc - svf.m0;
  return svf;
}

}  // namespace diffverb
