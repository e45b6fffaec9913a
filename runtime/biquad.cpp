#include "runtime/biquad.h"

#include <cmath>

namespace diffverb::runtime {
namespace {

bool inside(double a1, double a2) { return std::abs(a2) < 1 && std::abs(a1) < 1 + a2; }

}  // namespace

StateVariable to_state_variable(const Biquad& f) {
  // H over s = (1 - z^-1)/(1 + z^-1): (nh s^2 + nb s + nl) / (s^2 + gk s + g^2), everything divided by `high`.
  const double high = 1 - f.a1 + f.a2;
  const double low = 1 + f.a1 + f.a2;
  const double g = std::sqrt(low / high);
  const double gk = 2 * (1 - f.a2) / high;
  const double nh = (f.b0 - f.b1 + f.b2) / high;
  const double nb = 2 * (f.b0 - f.b2) / high;
  const double nl = (f.b0 + f.b1 + f.b2) / high;
  const double m1 = (nb - nh * gk) / g;  // weight of the band-pass output
  const double m2 = nl / (g * g) - nh;   // weight of the low-pass output
  const double c1 = high / 4;            // 1 / (1 + gk + g^2)
  const double c2 = std::sqrt(low * high) / 4;
  const double c3 = low / 4;
  StateVariable s;
  s.q = static_cast<float>(2 * c2);
  s.p = static_cast<float>((3 + f.a1 - f.a2) / 2);
  s.r = static_cast<float>(2 * c3);
  s.y0 = static_cast<float>(f.b0);
  s.y1 = static_cast<float>(m1 * c1 + m2 * c2);
  s.y2 = static_cast<float>(m2 * (1 - c3) - m1 * c2);
  return s;
}

void put(const StateVariable& s, float* coefficients, std::size_t stride) {
  const float values[6] = {s.q, s.p, s.r, s.y0, s.y1, s.y2};
  for (std::size_t c = 0; c < 6; ++c) coefficients[c * stride] = values[c];
}

bool is_stable(const Biquad& biquad) {
  if (!inside(biquad.a1, biquad.a2)) return false;
  const StateVariable s = to_state_variable(biquad);
  for (const float c : {s.q, s.p, s.r, s.y0, s.y1, s.y2}) {
    if (!std::isfinite(c)) return false;
  }
  // The state matrix [[1-p, -q], [q, 1-r]] as the rounded coefficients have it, without cancellation near z = 1.
  const double p = s.p, q = s.q, r = s.r;
  const double one_minus_a2 = p + r - p * r - q * q;
  const double low = p * r + q * q;           // 1 + a1 + a2
  const double high = 4 - 2 * (p + r) + low;  // 1 - a1 + a2
  return one_minus_a2 > 0 && one_minus_a2 < 2 && low > 0 && high > 0;
}

}  // namespace diffverb::runtime
