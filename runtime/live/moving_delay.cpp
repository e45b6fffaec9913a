#include "runtime/live/moving_delay.h"

#include <algorithm>
#include <bit>

namespace diffverb::runtime {

void MovingDelay::prepare(int channels, int most_samples, int fade_samples) {
  most_ = most_samples;
  fade_samples_ = std::max(1, fade_samples);
  const std::size_t size = std::bit_ceil(static_cast<std::size_t>(most_samples + kBlock));
  mask_ = size - 1;
  memory_.assign(static_cast<std::size_t>(channels), std::vector<float>(size, 0.0f));
  jump(0);
}

void MovingDelay::reset() noexcept {
  for (auto& channel : memory_) std::fill(channel.begin(), channel.end(), 0.0f);
  jump(wanted_);
}

void MovingDelay::aim(int samples) noexcept { wanted_ = std::clamp(samples, 0, most_); }

void MovingDelay::jump(int samples) noexcept {
  aim(samples);
  now_ = next_ = wanted_;
  faded_ = 0;
}

/// The block into the ring and out again, each in the two pieces in which it lies there.
void MovingDelay::process_still(float* const* channels, int frames) noexcept {
  const std::size_t count = static_cast<std::size_t>(frames), size = mask_ + 1;
  const std::size_t to = head_ & mask_, from = (head_ - static_cast<std::size_t>(now_)) & mask_;
  const std::size_t to_end = std::min(count, size - to), from_end = std::min(count, size - from);
  for (std::size_t c = 0; c < memory_.size(); ++c) {
    float *ring = memory_[c].data(), *x = channels[c];
    std::copy_n(x, to_end, ring + to);
    std::copy_n(x + to_end, count - to_end, ring);
    if (now_ == 0) continue;
    std::copy_n(ring + from, from_end, x);
    std::copy_n(ring, count - from_end, x + from_end);
  }
  head_ += count;
}

void MovingDelay::process(float* const* channels, int frames) noexcept {
  if (memory_.empty()) return;
  if (next_ == now_ && wanted_ == now_ && frames <= kBlock) return process_still(channels, frames);
  for (int n = 0; n < frames; ++n) {
    if (next_ == now_) next_ = wanted_;
    const auto from = static_cast<std::size_t>(now_), to = static_cast<std::size_t>(next_);
    const float share = from == to ? 0.0f : static_cast<float>(++faded_) / static_cast<float>(fade_samples_);
    for (std::size_t c = 0; c < memory_.size(); ++c) {
      float* ring = memory_[c].data();
      ring[head_ & mask_] = channels[c][n];
      const float old = ring[(head_ - from) & mask_];
      channels[c][n] = from == to ? old : old + share * (ring[(head_ - to) & mask_] - old);
    }
    ++head_;
    if (from != to && faded_ >= fade_samples_) {
      now_ = next_;
      faded_ = 0;
    }
  }
}

}  // namespace diffverb::runtime
