#include "runtime/variation/low_pass.h"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

namespace diffverb::runtime {
namespace {

using Complex = std::complex<double>;
constexpr double kRipple_db = 0.1, kStop_db = 64, kQuarter = std::numbers::pi / 2;
constexpr int kMostSections = 12;

/// Jacobi's elliptic functions of one modulus, arguments in quarter periods.
class Jacobi {
 public:
  explicit Jacobi(double modulus) : modulus_(modulus) {
    for (double k = modulus; k > 1e-15 && moduli_.size() < 12;) {
      const double root = std::sqrt(1 - k * k);
      k = std::pow(k / (1 + root), 2);
      moduli_.push_back(k);
    }
  }
  Complex cd(Complex u) const { return ascend(std::cos(u * kQuarter)); }
  Complex sn(Complex u) const { return ascend(std::sin(u * kQuarter)); }
  Complex inverse_sn(Complex w) const {
    double above = modulus_;
    for (const double k : moduli_) {
      w *= 2 / (1 + k) / (1.0 + std::sqrt(1.0 - w * w * above * above));
      above = k;
    }
    return std::asin(w) / kQuarter;
  }

 private:
  Complex ascend(Complex w) const {
    for (std::size_t i = moduli_.size(); i-- > 0;) w *= (1 + moduli_[i]) / (1.0 + moduli_[i] * w * w);
    return w;
  }
  double modulus_;
  std::vector<double> moduli_;
};

double place_of(int i, int order) { return (2.0 * i - 1) / order; }

/// (s^2 + zero^2) |pole|^2 / zero^2 over (s - pole)(s - its conjugate), s = (1 - z^-1) / (1 + z^-1).
Biquad section_of(Complex pole, double zero) {
  const double e1 = -2 * pole.real(), e0 = std::norm(pole), n2 = e0 / (zero * zero), n0 = e0, a0 = 1 + e1 + e0;
  return {(n2 + n0) / a0, 2 * (n0 - n2) / a0, (n2 + n0) / a0, 2 * (e0 - 1) / a0, (1 - e1 + e0) / a0};
}

}  // namespace

std::vector<Biquad> elliptic_low_pass(double rate_hz, double pass_hz, double stop_hz) {
  const double pass = std::tan(std::numbers::pi * pass_hz / rate_hz),
               stop = std::tan(std::numbers::pi * stop_hz / rate_hz);
  const double ripple = std::sqrt(std::pow(10, kRipple_db / 10) - 1), needed = std::pow(10, kStop_db / 20);
  const Jacobi wide(pass / stop);
  std::vector<Biquad> sections;
  for (int count = 1; count <= kMostSections; ++count) {
    const int order = 2 * count;
    double modulus = std::pow(pass / stop, order);
    for (int i = 1; i <= count; ++i) modulus *= std::pow(wide.sn(place_of(i, order)).real(), 4);
    if (ripple / modulus < needed && count < kMostSections) continue;
    const Complex shift =
        Complex(0, -1) * Jacobi(modulus).inverse_sn(Complex(0, 1 / ripple)) / static_cast<double>(order);
    for (int i = 1; i <= count; ++i) {
      const double u = place_of(i, order), zero = stop / wide.cd(u).real();
      const Complex pole = Complex(0, pass) * wide.cd(u - Complex(0, 1) * shift);
      sections.push_back(section_of(pole, zero));
    }
    break;
  }
  const double gain = std::pow(10, -kRipple_db / 20);
  sections[0].b0 *= gain, sections[0].b1 *= gain, sections[0].b2 *= gain;
  return sections;
}

}  // namespace diffverb::runtime
