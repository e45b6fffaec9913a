#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace diffverb::runtime {

/// Butterworth high-passes of fourth order side by side, each with its corner, from rest on.
class HighPass {
 public:
  HighPass(std::span<const double> corners_hz, double rate_hz);
  /// Sounds [corners, stride] in place.
  void run(float* sounds, std::size_t stride, int frames);

 private:
  struct Section {
    double b0 = 0, a1 = 0, a2 = 0, first = 0, second = 0;
    double next(double x);
  };
  static constexpr std::size_t kTogether = 4;  // what one waits for, another one does
  std::vector<std::array<Section, kTogether>> sections_[2];
  std::size_t count_;
};

/// Brings the lowest bands of a decoded sound to the energies that they should have, bin by bin and moment by moment.
///
/// Below 120 Hz a bin of the ear's 64 ms holds one or two modes of the noise, and these beat: what was made even band
/// by band is not even when the bands have other levels and decay. Here the short-time spectrum of the low bands
/// together is measured and its magnitude moved towards what the energies ask for, again and again (as Griffin and Lim
/// do), at a rate low enough to cost next to nothing.
class LowEnd {
 public:
  /// Power of low band k at a time, energy a second.
  using Power = std::function<double(int k, double seconds)>;

  LowEnd(const std::vector<double>& centres_hz, double rate_hz);

  /// Bands 0 to bands() - 1 are low.
  int bands() const { return bands_; }
  /// Reads    the sum of the low bands, at the rate of the constructor
  void even(std::vector<float>& sound, const Power& power) const;

 private:
  std::vector<double> wanted_power(const Power& power, std::size_t frames) const;

  double rate_hz_;
  int ratio_;  // to the rate at which it is done
  int bands_ = 0;
  std::vector<double> leak_;   // [bins, bands] share of a band's power that a bin sees
  std::vector<float> kernel_;  // of the interpolation
};

}  // namespace diffverb::runtime
