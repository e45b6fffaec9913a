#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/convolution_kernels.h"

namespace diffverb::runtime {

/// Convolution of real sounds by blocks of P samples with P complex bins.
///
/// Two blocks, x(n) and x(n + P), are one polynomial modulo z^2P + 1; at the roots z = exp(-i pi (4 k + 1) / 2P) it is
/// the transform of (x(n) - i x(n + P)) exp(-i pi n / 2P). A product with P taps wraps into the first block only, so the
/// second is the convolution (overlap-save). No bin is special, and none is computed twice as in a complex transform of
/// real samples.
/// Source: Nussbaumer, "Fast Fourier Transform and Convolution Algorithms", 1982 (right-angle convolution); Stockham's
/// transform, radix 4.
///
/// A transform is steps() calls, so that it may be spread over time: passes, those of long blocks in parts, all those of
/// short blocks at once. It never changes and may be shared.
class ConvolutionTransform {
 public:
  /// 2^m >= 64 samples a block.
  explicit ConvolutionTransform(int size);
  int size() const { return size_; }
  int steps() const { return is_one_step() ? 1 : passes_ << part_bits_; }
  std::size_t work_size() const { return 4 * row(size_); }

  /// Step 0 of a transform reads the blocks, the last ones write groups (convolution_kernels.h) that lie `group_stride`
  /// floats apart.
  void forward(int step, const float* before, const float* now, float* work, float* spectrum,
               std::size_t group_stride) const noexcept;
  /// The first steps read groups that follow each other, the last ones write the second block.
  void inverse(int step, const float* spectrum, float* work, float* now) const noexcept;

 private:
  static constexpr int kOneStep = 256;  // a longer one is worth spreading
  bool is_one_step() const { return size_ <= kOneStep; }
  void forward_part(int step, const float* before, const float* now, float* work, float* spectrum,
                    std::size_t group_stride) const noexcept;
  void inverse_part(int step, const float* spectrum, float* work, float* now) const noexcept;
  static std::size_t row(int length);
  Fours fours(int step) const;
  void go_on_at(int step, float* work) const noexcept;
  /// Where a pass finds what the one before it wrote.
  float* source(int pass, float* work) const { return work + (pass % 2 == 1 ? 0 : 2 * row(size_)); }

  int size_, passes_ = 0;
  int part_bits_ = 0;          // a pass is 2^part_bits steps
  Floats twist_, untwist_;     // two rows
  std::vector<Floats> turns_;  // of each pass but the last
};

/// The transform of a size; those who ask at the same time get the same one.
std::shared_ptr<const ConvolutionTransform> shared_transform(int size);

}  // namespace diffverb::runtime
