#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "runtime/aligned.h"

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
/// A transform is passes() calls, so that it may be spread over time. It never changes and may be shared.
class ConvolutionTransform {
 public:
  /// 2^m >= 64 samples a block.
  explicit ConvolutionTransform(int size);
  int size() const { return size_; }
  int passes() const { return passes_; }
  std::size_t work_size() const { return 4 * static_cast<std::size_t>(size_); }

  /// Pass 0 reads the blocks, the last one writes groups (convolution_kernels.h) that lie `group_stride` floats apart.
  void forward(int pass, const float* before, const float* now, float* work, float* spectrum,
               std::size_t group_stride) const noexcept;
  /// Pass 0 reads groups that follow each other, the last one writes the second block.
  void inverse(int pass, const float* spectrum, float* work, float* now) const noexcept;

 private:
  void go_on_from(int pass, float* work) const noexcept;
  /// Where a pass finds what the one before it wrote.
  float* source(int pass, float* work) const {
    return work + (pass % 2 == 1 ? 0 : 2 * static_cast<std::size_t>(size_));
  }

  int size_, passes_;
  Floats twist_, untwist_;     // [2, size]
  std::vector<Floats> turns_;  // of each pass but the last
};

/// The transform of a size; those who ask at the same time get the same one.
std::shared_ptr<const ConvolutionTransform> shared_transform(int size);

}  // namespace diffverb::runtime
