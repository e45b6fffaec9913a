#pragma once

#include <memory>
#include <vector>

namespace diffverb::runtime {

/// FIR filters of a few thousand taps, I inputs to O outputs, without latency.
///
/// The first kBlock taps are applied directly; the rest in partitions of kBlock by overlap-save, whose answer for a block needs
/// earlier blocks only. One transform an input and one an output every kBlock samples, whatever the length.
/// Source   Gardner 1995 (uniform partitions with a direct head)
class EarlyPart {
 public:
  static constexpr int kBlock = 128;

  /// taps [outputs, inputs, count]
  EarlyPart(const float* taps, int outputs, int inputs, int count);
  ~EarlyPart();

  /// Adds the filtered input to out.
  void process(const float* const* in, float* const* out, int frames) noexcept;
  void reset() noexcept;
  /// A transform rounds a whole block at once: what is left of it keeps coming for this long after the input has stopped.
  int taps() const { return count_; }

 private:
  struct Transform;
  void next_block() noexcept;

  int outputs_, inputs_, count_, head_, partitions_, bins_ = kBlock + 1;
  std::vector<float> head_taps_;              // [O, I, head]
  std::vector<float> tail_re_, tail_im_;      // [O, I, partitions, bins]
  std::vector<float> history_;                // [I, 2 kBlock]: the block before and the present one
  std::vector<float> frames_re_, frames_im_;  // [I, partitions, bins], a ring
  std::vector<float> tail_;                   // [O, kBlock]: the partitions' answer for the present block
  std::vector<float> sum_re_, sum_im_;
  int position_ = 0, newest_ = 0;
  std::unique_ptr<Transform> transform_;
};

}  // namespace diffverb::runtime
