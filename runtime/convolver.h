#pragma once

#include <vector>

#include "runtime/aligned.h"

namespace diffverb::runtime {

/// O x I convolutions y_o += sum_i h_oi * u_i without latency: the first kPartition taps directly, the others as FFT
/// partitions of the same length. What one partition period has to do is spread over it, so small blocks cost alike.
/// The result does not depend on how the input is cut into blocks.
/// Source: Gardner, "Efficient convolution without input-output delay", JAES 43(3), 1995; uniform partitions.
class Convolver {
 public:
  static constexpr int kPartition = 128;

  /// taps [O, I, L]. Allocates; the only function that does.
  void prepare(const std::vector<float>& taps, int outputs, int inputs, int length);
  void reset() noexcept;
  /// Adds to `out`: row o at out + o out_stride. `in` likewise; any number of frames; kPad floats behind both are used.
  void add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept;

 private:
  void add_within_partition(const float* in, std::size_t in_stride, float* out, std::size_t out_stride,
                            int frames) noexcept;
  void multiply_until(int partition) noexcept;
  void finish_partition() noexcept;
  float* spectrum(Floats& spectra, int index) { return spectra.data() + static_cast<std::size_t>(index) * 2 * bins_; }

  int outputs_ = 0, inputs_ = 0, length_ = 0;
  int head_taps_ = 0, partitions_ = 0;
  int bins_ = 0;           // kPartition + 1, padded
  int position_ = 0;       // in the current partition
  int newest_ = 0;         // ring index of the last complete input spectrum
  int next_ = 0;           // the partition that is multiplied next, counting down to 1
  Floats head_;            // [O, I, head_taps]
  Floats history_;         // [I, 2 kPartition + kPad]: the partition before, and the current one
  Floats filters_;         // [partitions, O, I] spectra
  Floats inputs_spectra_;  // [ring, I] spectra
  Floats sums_;            // [O] spectra: of the next partition's output so far
  Floats tail_;            // [O, kPartition + kPad]
  std::vector<const float*> factors_a_, factors_b_;
  Floats re_, im_, work_, twiddle_;
};

}  // namespace diffverb::runtime
