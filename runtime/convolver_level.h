#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/convolution_transform.h"
#include "runtime/partitioning.h"

namespace diffverb::runtime {

/// The last samples of each input, whole slots: the newest ends at time() samples.
class InputRing {
 public:
  /// Room for `samples` = 2^m of each input.
  void prepare(int inputs, int samples);
  void reset() noexcept;
  void put(int input, const float* slot) noexcept;
  void advance(int frames) noexcept { time_ += frames; }
  /// `size` samples up to `end`, a multiple of size.
  const float* block(int input, long long end, int size) const noexcept {
    return samples_.data() + static_cast<std::size_t>(input) * size_ +
           (static_cast<std::size_t>(end - size) & (size_ - 1));
  }
  long long time() const { return time_; }
  std::size_t floats() const { return samples_.capacity(); }

 private:
  std::size_t size_ = 0;
  long long time_ = 0;
  Floats samples_;  // [I, size]
};

/// Partitions of one size of a convolver. When a block of input is complete, its transforms and products are spread over
/// the slots of the next block; the last slot ends with the output of a whole
/// block, the tail.
class ConvolverLevel {
 public:
  /// taps [O, I, L]
  ConvolverLevel(const std::vector<float>& taps, int length, int outputs, int inputs, const Partitions& partitions);
  void reset() noexcept;
  /// Does this slot's share: `ring` has one slot more than the last time.
  void advance(const InputRing& ring) noexcept;
  /// What this level adds to output o in the slot that begins.
  const float* tail(int o) const noexcept {
    return tails_.data() + static_cast<std::size_t>(o) * size() + static_cast<std::size_t>(tail_at_);
  }
  std::size_t floats() const;

 private:
  enum class Kind { kForward, kMultiply, kInverse };
  struct Task {
    Kind kind;
    int channel;  // input, or output
    int part;     // step of the transform, or the first group
  };
  std::size_t size() const { return static_cast<std::size_t>(partitions_.size); }
  void prepare_filters(const std::vector<float>& taps, int length);
  void plan();
  void run(const Task& task, const InputRing& ring) noexcept;
  void multiply(int output, int first_group) noexcept;

  std::shared_ptr<const ConvolutionTransform> transform_;
  Partitions partitions_;
  int outputs_, inputs_, slots_, groups_;
  int groups_together_ = 1;         // of a task
  std::vector<Task> tasks_;         // of a block
  std::vector<std::size_t> until_;  // [slots] tasks that are done by the end of each slot
  Floats filters_;                  // [O, groups, count I] groups
  Floats spectra_;                  // [groups, count I] groups: a ring of the inputs' spectra
  Floats sums_;                     // [groups]
  Floats tails_;                    // [O, size]: what this level adds in this block
  Floats coming_tails_;             // [O, size]: in the next one
  Floats work_;

  int newest_ = 0, filled_ = 0;  // of the ring
  int slot_ = 0;                 // that is to come, in a block
  long long block_end_ = 0;
  int tail_at_ = 0;
  bool is_complete_ = false;  // a first block is there
};

}  // namespace diffverb::runtime
