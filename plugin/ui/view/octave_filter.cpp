#include "plugin/ui/view/octave_filter.h"

#include <cmath>
#include <complex>
#include <numbers>

namespace diffverb::ui {

// The low-pass prototype has its poles at -1 and exp(+-2j pi / 3). With centre w0 and width B each pole p becomes the
// roots of s^2 - p B s + w0^2: those of -1 are one pair, those of the other two make a pair with their conjugates.
OctaveFilter::OctaveFilter(double low_hz, double high_hz, double rate_hz) {
  const double low = std::tan(std::numbers::pi * low_hz / rate_hz),
               high = std::tan(std::numbers::pi * high_hz / rate_hz);
  const double width = high - low, square = low * high;
  // B s / (s^2 + damping s + stiffness) with s = (1 - z^-1) / (1 + z^-1)
  const auto section = [&](double damping, double stiffness) {
    const double a0 = 1 + damping + stiffness;
    return Section{width / a0, 2 * (stiffness - 1) / a0, (1 - damping + stiffness) / a0};
  };
  const std::complex<double> half = std::polar(width / 2, 2 * std::numbers::pi / 3);
  const std::complex<double> apart = std::sqrt(half * half - square), first = half + apart, second = half - apart;
  sections_ = {section(width, square), section(-2 * first.real(), std::norm(first)),
               section(-2 * second.real(), std::norm(second))};
}

}  // namespace diffverb::ui
