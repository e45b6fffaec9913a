#pragma once

#include <array>

namespace diffverb::ui {

/// Third-order Butterworth band-pass between two frequencies, both below half the rate; -3 dB there. Bilinear, with
/// prewarped edges.
class OctaveFilter {
 public:
  OctaveFilter(double low_hz, double high_hz, double rate_hz);
  double next(double sample) {
    for (Section& section : sections_) sample = section.next(sample);
    return sample;
  }

 private:
  // b (1 - z^-2) / (1 + a1 z^-1 + a2 z^-2), transposed direct form II.
  struct Section {
    double b, a1, a2, s1 = 0, s2 = 0;
    double next(double in) {
      const double out = b * in + s1;
      s1 = s2 - a1 * out;
      s2 = -b * in - a2 * out;
      return out;
    }
  };
  std::array<Section, 3> sections_;
};

}  // namespace diffverb::ui
