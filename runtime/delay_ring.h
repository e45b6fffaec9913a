#pragma once

#include <algorithm>
#include <cstddef>

#include "runtime/aligned.h"
#include "runtime/kernels.h"

namespace diffverb::runtime {

/// The memory of a delay line. Up to kChunk samples are written at once, and read at once from any place, in one piece:
/// its beginning stands behind its end a second time. Allocates in its constructor only.
class DelayRing {
 public:
  static constexpr std::size_t kChunk = 256;

  DelayRing() = default;
  /// `reach`: the longest delay that is read; a whole chunk later too.
  explicit DelayRing(std::size_t reach) : size_(reach + kChunk + kPad), samples_(size_ + kChunk + 2 * kPad, 0.0f) {}

  bool is_empty() const { return samples_.empty(); }
  void reset() noexcept {
    std::fill(samples_.begin(), samples_.end(), 0.0f);
    head_ = 0;
  }
  /// Where the next samples are to be written; kPad more may be spoilt.
  float* head() noexcept { return samples_.data() + head_; }
  /// They are there.
  void advance(std::size_t count) noexcept {
    float* samples = samples_.data();
    const std::size_t end = head_ + count;
    if (head_ < kAgain) std::copy_n(samples + head_, std::min(end, kAgain) - head_, samples + size_ + head_);
    if (end > size_) std::copy_n(samples + size_, end - size_, samples);
    head_ = end >= size_ ? end - size_ : end;
  }
  /// kChunk samples from `delay` before the head on.
  const float* behind(std::size_t delay) const noexcept { return samples_.data() + place(delay); }

  /// The same as a ring of `size` samples and a place in it.
  const float* data() const noexcept { return samples_.data(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t place(std::size_t delay) const noexcept { return head_ >= delay ? head_ - delay : head_ + size_ - delay; }

 private:
  static constexpr std::size_t kAgain = kChunk + kPad;  // how many samples stand twice

  std::size_t size_ = 0, head_ = 0;
  Floats samples_;
};

}  // namespace diffverb::runtime
