#include "core/acoustics/filters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>

#include "core/error.h"

namespace diffverb::acoustics {
namespace {

constexpr int kBandOrder = 3;
constexpr std::array kThirdNames = {100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0};
constexpr std::array kOctaveNames = {15.75, 31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0};

// The printed name of a band: the entry of the preferred series next to the exact centre, on a logarithmic scale.
double nominal_name(BandWidth width, double hz) {
  double best = hz;
  double best_distance = 1e9;
  const auto consider = [&](double name) {
    const double distance = std::abs(std::log2(name / hz));
    if (distance < best_distance) {
      best_distance = distance;
      best = name;
    }
  };
  if (width == BandWidth::kOctave) {
    for (const double name : kOctaveNames) consider(name);
    return best;
  }
  for (const double name : kThirdNames) {
    consider(name / 10);
    consider(name);
    consider(name * 10);
    consider(name * 100);
  }
  return best;
}

template <typename Function>
void for_each_section_pole(int order, double bandwidth, double centre, Function&& visit) {
  // Left half-plane poles of the low-pass prototype with a non-negative imaginary part; each gives two band-pass poles.
  for (int k = 0; k < (order + 1) / 2; ++k) {
    const double angle = std::numbers::pi * (2.0 * k + 1.0) / (2.0 * order) + std::numbers::pi / 2;
    const std::complex<double> prototype = std::polar(1.0, angle) * (bandwidth / 2);
    const std::complex<double> root = std::sqrt(prototype * prototype - centre * centre);
    const bool real_pole = 2 * k + 1 == order;
    visit(prototype + root, prototype - root, real_pole);
  }
}

}  // namespace

std::vector<Band> make_bands(BandWidth width, double rate_hz, double from_hz, double to_hz) {
  if (!(rate_hz > 0)) throw ContractError("make_bands: rate_hz must be positive, got " + std::to_string(rate_hz));
  const double per_octave = width == BandWidth::kOctave ? 1.0 : 3.0;
  const double half = std::exp2(0.5 / per_octave);
  std::vector<Band> bands;
  for (int k = static_cast<int>(-6 * per_octave); k <= static_cast<int>(4.5 * per_octave); ++k) {
    Band band;
    band.hz = 1000.0 * std::exp2(k / per_octave);
    band.low_hz = band.hz / half;
    band.high_hz = band.hz * half;
    band.nominal_hz = nominal_name(width, band.hz);
    if (band.nominal_hz < from_hz || band.nominal_hz > to_hz) continue;
    if (band.high_hz > kHighestEdge * rate_hz / 2) continue;
    bands.push_back(band);
  }
  return bands;
}

Sections butterworth_band_pass(int order, double low_hz, double high_hz, double rate_hz) {
  if (order < 1 || !(low_hz > 0) || !(low_hz < high_hz) || !(high_hz < rate_hz / 2)) {
    throw ContractError(
        "butterworth_band_pass: expected order >= 1 and 0 < low_hz < high_hz < rate_hz / 2, got order " +
        std::to_string(order) + ", low_hz " + std::to_string(low_hz) + ", high_hz " + std::to_string(high_hz) +
        ", rate_hz " + std::to_string(rate_hz));
  }
  // Prewarped analogue edges in units where the bilinear transform is z = (1 + s) / (1 - s).
  const double low = std::tan(std::numbers::pi * low_hz / rate_hz);
  const double high = std::tan(std::numbers::pi * high_hz / rate_hz);
  const double bandwidth = high - low;
  const double centre = std::sqrt(low * high);
  Sections sections;
  const auto add = [&](std::complex<double> p, std::complex<double> q) {
    // Two analogue poles become one section; each section takes one of the `order` zeros at s = 0 and a gain of
    // `bandwidth`.
    const std::complex<double> zp = (1.0 + p) / (1.0 - p);
    const std::complex<double> zq = (1.0 + q) / (1.0 - q);
    const double gain = bandwidth / std::real((1.0 - p) * (1.0 - q));
    sections.push_back({gain, 0.0, -gain, -std::real(zp + zq), std::real(zp * zq)});
  };
  for_each_section_pole(order, bandwidth, centre, [&](std::complex<double> p, std::complex<double> q, bool real_pole) {
    if (real_pole) {
      add(p, q);  // a conjugate pair, or two real poles of a very wide band
    } else {
      add(p, std::conj(p));
      add(q, std::conj(q));
    }
  });
  return sections;
}

Sections band_filter(const Band& band, double rate_hz) {
  return butterworth_band_pass(kBandOrder, band.low_hz, band.high_hz, rate_hz);
}

std::complex<double> response_at(const Sections& sections, double hz, double rate_hz) {
  const std::complex<double> z1 = std::polar(1.0, -2 * std::numbers::pi * hz / rate_hz);
  const std::complex<double> z2 = z1 * z1;
  std::complex<double> product = 1.0;
  for (const Section& s : sections) product *= (s.b0 + s.b1 * z1 + s.b2 * z2) / (1.0 + s.a1 * z1 + s.a2 * z2);
  return product;
}

double group_delay_s(const Sections& sections, double hz, double rate_hz) {
  // tau = Re{ (sum k c_k z^-k) / (sum c_k z^-k) } of the numerator less that of the denominator, in samples.
  const std::complex<double> z1 = std::polar(1.0, -2 * std::numbers::pi * hz / rate_hz);
  const std::complex<double> z2 = z1 * z1;
  double samples = 0;
  for (const Section& s : sections) {
    samples += std::real((s.b1 * z1 + 2.0 * s.b2 * z2) / (s.b0 + s.b1 * z1 + s.b2 * z2));
    samples -= std::real((s.a1 * z1 + 2.0 * s.a2 * z2) / (1.0 + s.a1 * z1 + s.a2 * z2));
  }
  return samples / rate_hz;
}

std::vector<double> apply_filter(const Sections& sections, std::span<const double> input) {
  std::vector<double> signal(input.begin(), input.end());
  std::size_t next = 0;
  // Three sections at a time in one pass: their recursions are independent chains that the processor overlaps.
  for (; next + 3 <= sections.size(); next += 3) {
    const Section s = sections[next], t = sections[next + 1], u = sections[next + 2];
    double s1 = 0, s2 = 0, t1 = 0, t2 = 0, u1 = 0, u2 = 0;
    for (double& value : signal) {
      const double x = value;
      const double y = s.b0 * x + s1;
      s1 = s.b1 * x - s.a1 * y + s2;
      s2 = s.b2 * x - s.a2 * y;
      const double v = t.b0 * y + t1;
      t1 = t.b1 * y - t.a1 * v + t2;
      t2 = t.b2 * y - t.a2 * v;
      const double w = u.b0 * v + u1;
      u1 = u.b1 * v - u.a1 * w + u2;
      u2 = u.b2 * v - u.a2 * w;
      value = w;
    }
  }
  for (; next < sections.size(); ++next) {
    const Section s = sections[next];
    double s1 = 0, s2 = 0;
    for (double& value : signal) {
      const double x = value;
      value = s.b0 * x + s1;
      s1 = s.b1 * x - s.a1 * value + s2;
      s2 = s.b2 * x - s.a2 * value;
    }
  }
  return signal;
}

}  // namespace diffverb::acoustics
