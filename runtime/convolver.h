#pragma once

#include <cstddef>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/convolver_level.h"

namespace diffverb::runtime {

/// O x I convolutions y_o += sum_i h_oi * u_i without latency: the first taps directly, the others as partitions of
/// growing sizes (partitioning.h). What the long ones have to do is spread over slots of 64 samples, so that no
/// block costs much more than the mean; no thread of its own.
/// The result does not depend on how the input is cut into blocks, bit for bit.
///
/// To exchange the response while it plays, prepare another convolver in another thread, hand its pointer to the audio
/// thread, and free the old one outside of it. Denormal numbers are the caller's (denormals.h), and so are numbers that
/// are none: they stay until reset().
/// Source: Gardner, "Efficient convolution without input-output delay", JAES 43(3), 1995.
class Convolver {
 public:
  /// taps [O, I, L]. Allocates; the only function that does.
  void prepare(const std::vector<float>& taps, int outputs, int inputs, int length);
  /// From silence again; costs a few microseconds, however long the response is.
  void reset() noexcept;
  /// Adds to `out`: row o at out + o out_stride. `in` likewise; any number of frames; kPad floats behind both are used.
  void add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept;
  /// Bytes that it holds; what transforms of one size share is not counted.
  std::size_t memory() const;

 private:
  void add_within_slot(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept;
  void finish_slot() noexcept;

  int outputs_ = 0, inputs_ = 0, length_ = 0;
  int head_taps_ = 0;
  int position_ = 0;  // in the slot
  std::size_t head_size_ = 0;
  Floats head_;     // [O, I, head_size]: rows of taps (convolution_kernels.h)
  Floats history_;  // [I, 2 kSlot + kPad]: the slot before, and the current one
  Floats tail_;     // [O, kSlot + kPad]: what the levels add in this slot
  InputRing ring_;
  std::vector<ConvolverLevel> levels_;
};

}  // namespace diffverb::runtime
