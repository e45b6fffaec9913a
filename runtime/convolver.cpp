#include "runtime/convolver.h"

#include <algorithm>

#include "runtime/convolution_kernels.h"
#include "runtime/kernels.h"

namespace diffverb::runtime {
namespace {

constexpr int kShortestSlot = 64;  // where there are no partitions
std::size_t size_of(int a) { return static_cast<std::size_t>(a); }

}  // namespace

void Convolver::prepare(const std::vector<float>& taps, int outputs, int inputs, int length) {
  outputs_ = outputs, inputs_ = inputs, length_ = length;
  levels_.clear();
  const std::vector<Partitions> partitions = choose_partitions(length, outputs, inputs);
  slot_ = partitions.empty() ? std::max(kShortestSlot, length) : partitions.front().size;
  head_taps_ = std::min(length, slot_);
  for (const Partitions& level : partitions) levels_.emplace_back(taps, length, outputs, inputs, level, slot_);
  ring_.prepare(inputs, partitions.empty() ? 0 : 4 * partitions.back().size);
  history_stride_ = 2 * size_of(slot_) + kPad, tail_stride_ = size_of(slot_) + kPad;
  history_.assign(size_of(inputs) * history_stride_, 0.0f);
  tail_.assign(size_of(outputs) * tail_stride_, 0.0f);
  sum_.assign(tail_stride_, 0.0f);
  head_.clear();
  for (int pair = 0; pair < outputs * inputs; ++pair) {
    const auto from = taps.begin() + static_cast<std::ptrdiff_t>(pair) * length;
    head_.insert(head_.end(), from, from + head_taps_);
  }
  reset();
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
    const int count = std::min(frames - done, slot_ - position_);
    add_within_slot(in + done, in_stride, out + done, out_stride, count);
    done += count;
  }
}

void Convolver::add_within_slot(const float* in, std::size_t in_stride, float* out, std::size_t out_stride,
                                int frames) noexcept {
  const std::size_t now = size_of(slot_ + position_);
  for (int i = 0; i < inputs_; ++i)
    std::copy_n(in + size_of(i) * in_stride, frames, history_.data() + size_of(i) * history_stride_ + now);
  for (int o = 0; o < outputs_; ++o) {
    std::copy_n(tail_.data() + size_of(o) * tail_stride_ + position_, frames, sum_.data());
    for (int i = 0; i < inputs_; ++i)
      add_head(head_.data() + size_of(o * inputs_ + i) * size_of(head_taps_), head_taps_,
               history_.data() + size_of(i) * history_stride_ + now, sum_.data(), frames);
    float* y = out + size_of(o) * out_stride;
    for (int t = 0; t < frames; ++t) y[t] += sum_[size_of(t)];
  }
  position_ += frames;
  if (position_ == slot_) finish_slot();
}

void Convolver::finish_slot() noexcept {
  position_ = 0;
  for (int i = 0; i < inputs_; ++i) {
    float* slots = history_.data() + size_of(i) * history_stride_;
    std::copy_n(slots + slot_, slot_, slots);
    if (!levels_.empty()) ring_.put(i, slots, slot_);
  }
  ring_.advance(slot_);
  for (ConvolverLevel& level : levels_) level.advance(ring_);
  for (int o = 0; o < outputs_; ++o) {
    float* to = tail_.data() + size_of(o) * tail_stride_;
    std::fill_n(to, slot_, 0.0f);
    for (const ConvolverLevel& level : levels_) {
      const float* from = level.tail(o);
      for (int t = 0; t < slot_; ++t) to[t] += from[t];
    }
  }
}

}  // namespace diffverb::runtime
