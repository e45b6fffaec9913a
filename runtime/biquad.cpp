#include "runtime/biquad.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace diffverb::runtime {
namespace {

bool inside(double a1, double a2) { return std::abs(a2) < 1 && std::abs(a1) < 1 + a2; }

/// Dividing by less would lift rounding errors.
bool is_general(const Biquad& f) { return std::abs(f.b0) < 1e-3; }

}  // namespace

Biquad section_at(const std::vector<double>& sos, int index) {
  const double* c = sos.data() + static_cast<std::ptrdiff_t>(index) * 5;
  return {c[0], c[1], c[2], c[3], c[4]};
}

void put_section(std::vector<double>& sos, int index, const Biquad& f) {
  double* c = sos.data() + static_cast<std::ptrdiff_t>(index) * 5;
  c[0] = f.b0, c[1] = f.b1, c[2] = f.b2, c[3] = f.a1, c[4] = f.a2;
}

void push_section(std::vector<double>& sos, const Biquad& f) { sos.insert(sos.end(), {f.b0, f.b1, f.b2, f.a1, f.a2}); }

void append_sections(std::vector<double>& sos, int rows, int& sections, const std::vector<Biquad>& more) {
  std::vector<double> longer;
  for (int row = 0; row < rows; ++row) {
    const auto from = sos.begin() + static_cast<std::ptrdiff_t>(row) * sections * 5;
    longer.insert(longer.end(), from, from + static_cast<std::ptrdiff_t>(sections) * 5);
    for (const Biquad& f : more) push_section(longer, f);
  }
  sos = std::move(longer);
  sections += static_cast<int>(more.size());
}

Biquad cookbook_section(PassKind kind, double cutoff_hz, double q, double rate_hz) {
  const double w = 2 * std::numbers::pi * cutoff_hz / rate_hz, cosine = std::cos(w);
  const double alpha = std::sin(w) / (2 * q), a0 = 1 + alpha;
  const double edge = kind == PassKind::kLowpass ? 1 - cosine : 1 + cosine;
  const double middle = kind == PassKind::kLowpass ? edge : -edge;
  return {edge / 2 / a0, middle / a0, edge / 2 / a0, -2 * cosine / a0, (1 - alpha) / a0};
}

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

PlayedSection to_played_section(const Biquad& f) {
  const double low = 1 + f.a1 + f.a2;
  PlayedSection s;
  s.g = static_cast<float>(low);
  s.p = static_cast<float>(1 - f.a2);
  s.y0 = static_cast<float>(f.b0);
  const double y2 = (f.b0 + f.b1 + f.b2) / low - f.b0;
  s.y1 = static_cast<float>((f.b0 * f.a2 - f.b2) / low + y2);
  s.y2 = static_cast<float>(y2);
  return s;
}

int count_general(const std::vector<Biquad>& cascade) {
  return static_cast<int>(std::count_if(cascade.begin(), cascade.end(), is_general));
}

std::vector<PlayedSection> played_cascade(std::vector<Biquad> cascade, int general) {
  std::stable_partition(cascade.begin(), cascade.end(), is_general);
  double gain = 1;
  for (std::size_t k = static_cast<std::size_t>(general); k < cascade.size(); ++k) {
    Biquad& f = cascade[k];
    gain *= f.b0;
    f.b1 /= f.b0, f.b2 /= f.b0, f.b0 = 1;
  }
  std::vector<PlayedSection> sections;
  for (Biquad& f : cascade) {
    if (sections.empty()) f.b0 *= gain, f.b1 *= gain, f.b2 *= gain;
    sections.push_back(to_played_section(f));
  }
  return sections;
}

void put(const PlayedSection& s, float* coefficients, std::size_t stride) {
  const float values[5] = {s.g, s.p, s.y0, s.y1, s.y2};
  for (std::size_t c = 0; c < 5; ++c) coefficients[c * stride] = values[c];
}

bool is_stable(const Biquad& biquad) {
  if (!inside(biquad.a1, biquad.a2)) return false;
  const PlayedSection s = to_played_section(biquad);
  for (const float c : {s.g, s.p, s.y0, s.y1, s.y2}) {
    if (!std::isfinite(c)) return false;
  }
  // The state matrix [[1, 1], [-g, 1 - p - g]] as the rounded coefficients have it, without cancellation near z = 1.
  const double g = s.g, p = s.p;
  const double one_minus_a2 = p, low = g, high = 4 - 2 * p - g;  // 1 + a1 + a2, 1 - a1 + a2
  return one_minus_a2 > 0 && one_minus_a2 < 2 && low > 0 && high > 0;
}

}  // namespace diffverb::runtime
