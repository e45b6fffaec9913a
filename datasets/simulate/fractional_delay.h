#pragma once

#include <cstddef>
#include <vector>

namespace diffverb {

/// Impulses between samples: a table of windowed sincs for `phases` fractions of a sample, read with linear
/// interpolation.
///
///   h(k) = (1/2 - 1/2 cos(2 pi k / (taps - 1))) sinc(k - (taps - 1) / 2 - fraction),  k = 0 .. taps - 1
///
/// The window stands still while the sinc moves, as in pyroomacoustics (81 taps, 20 phases there): with the same two
/// numbers the kernel is the same. The error of the interpolation is about 0.41 / phases^2 of the impulse.
class FractionalDelay {
 public:
  /// Throws   ContractError unless taps is odd and within 3 .. 1023, and phases within 1 .. 4096
  explicit FractionalDelay(int taps = 81, int phases = 64);

  int taps() const { return taps_; }
  int phases() const { return phases_; }
  int half() const { return taps_ / 2; }
  /// From one row to the next: taps with zeros behind, so that whole vectors may be read.
  std::size_t stride() const { return stride_; }
  /// [phases + 2, stride]; row p is the kernel of the fraction 1 - p / phases.
  const float* table() const { return table_.data(); }

  static constexpr int kPad = 16;  // floats of the widest vector that the kernels use

 private:
  int taps_, phases_;
  std::size_t stride_;
  std::vector<float> table_;
};

}  // namespace diffverb
