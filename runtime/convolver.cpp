#include "runtime/convolver.h"

#include <algorithm>

#include "runtime/convolution_kernels.h"
#include "runtime/kernels.h"
#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kHistory = 2 * kSlot + kPad, kTail = kSlot + kPad;

}  // namespace

void Convolver::prepare(const std::vector<float>& taps, int outputs, int inputs, int length) {
  outputs_ = outputs, inputs_ = inputs, length_ = length;
  levels_.clear();
  const std::vector<Partitions> partitions = choose_partitions(length, outputs, inputs);
  head_taps_ = std::min(length, kSlot);
  for (const Partitions& level : partitions) levels_.emplace_back(taps, length, outputs, inputs, level);
  ring_.prepare(inputs, partitions.empty() ? 0 : 4 * partitions.back().size);
  history_.assign(size(inputs) * kHistory, 0.0f);
  tail_.assign(size(outputs) * kTail, 0.0f);
  head_size_ = size(head_taps_ + kHeadLanes - 1) * kHeadLanes;
  head_.assign(size(outputs * inputs) * head_size_, 0.0f);
  for (int pair = 0; pair < outputs * inputs; ++pair) {
    float* rows = head_.data() + size(pair) * head_size_;
    for (int k = 0; k < head_taps_; ++k) {
      for (int lane = 0; lane < kHeadLanes; ++lane)
        rows[(k + kHeadLanes - 1 - lane) * kHeadLanes + lane] = taps[size(pair) * size(length) + size(k)];
    }
  }
  reset();
  kernel_target();  // chooses the instruction set now, not in add()
}

std::size_t Convolver::memory() const {
  std::size_t floats = head_.capacity() + history_.capacity() + tail_.capacity() + ring_.floats();
  for (const ConvolverLevel& level : levels_) floats += level.floats();
  return floats * sizeof(float);
}

void Convolver::reset() noexcept {
  std::fill(history_.begin(), history_.end(), 0.0f);
  std::fill(tail_.begin(), tail_.end(), 0.0f);
  ring_.reset();
  for (ConvolverLevel& level : levels_) level.reset();
  position_ = 0;
}

void Convolver::add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept {
  if (length_ == 0) return;
  for (int done = 0; done < frames;) {
    const int count = std::min(frames - done, kSlot - position_);
    add_within_slot(in + done, in_stride, out + done, out_stride, count);
    done += count;
  }
}

void Convolver::add_within_slot(const float* in, std::size_t in_stride, float* out, std::size_t out_stride,
                                int frames) noexcept {
  const std::size_t now = size(kSlot + position_);
  for (int i = 0; i < inputs_; ++i)
    std::copy_n(in + size(i) * in_stride, frames, history_.data() + size(i) * kHistory + now);
  for (int o = 0; o < outputs_; ++o) {
    const float* tail = tail_.data() + size(o) * kTail + position_;
    for (int i = 0; i < inputs_; ++i)
      add_head(head_.data() + size(o * inputs_ + i) * head_size_, head_taps_,
               history_.data() + size(i) * kHistory + now, i == 0 ? tail : nullptr, out + size(o) * out_stride, frames);
  }
  position_ += frames;
  if (position_ == kSlot) finish_slot();
}

void Convolver::finish_slot() noexcept {
  position_ = 0;
  for (int i = 0; i < inputs_; ++i) {
    float* slots = history_.data() + size(i) * kHistory;
    std::copy_n(slots + kSlot, kSlot, slots);
    if (!levels_.empty()) ring_.put(i, slots);
  }
  ring_.advance(kSlot);
  for (ConvolverLevel& level : levels_) level.advance(ring_);
  if (levels_.empty()) return;
  for (int o = 0; o < outputs_; ++o) {
    float* to = tail_.data() + size(o) * kTail;
    std::copy_n(levels_[0].tail(o), kSlot, to);
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      const float* from = levels_[level].tail(o);
      for (int t = 0; t < kSlot; ++t) to[t] += from[t];
    }
  }
}

}  // namespace diffverb::runtime
