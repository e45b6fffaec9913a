#include "runtime/convolver_level.h"

#include <algorithm>
#include <utility>

#include "runtime/convolution_kernels.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kGroupFloats = 2 * kGroup;
std::size_t size_of(int a) { return static_cast<std::size_t>(a); }

}  // namespace

void InputRing::prepare(int inputs, int samples) {
  size_ = size_of(samples);
  samples_.assign(size_of(inputs) * size_, 0.0f);
  time_ = 0;
}

void InputRing::reset() noexcept {
  std::fill(samples_.begin(), samples_.end(), 0.0f);
  time_ = 0;
}

void InputRing::put(int input, const float* slot) noexcept {
  std::copy_n(slot, kSlot, samples_.data() + size_of(input) * size_ + (static_cast<std::size_t>(time_) & (size_ - 1)));
}

ConvolverLevel::ConvolverLevel(const std::vector<float>& taps, int length, int outputs, int inputs,
                               const Partitions& partitions)
    : transform_(shared_transform(partitions.size)),
      partitions_(partitions),
      outputs_(outputs),
      inputs_(inputs),
      slots_(partitions.size / kSlot),
      groups_(partitions.size / kGroup) {
  const std::size_t spectra = size_of(groups_) * size_of(partitions.count) * size_of(inputs) * kGroupFloats;
  filters_.assign(size_of(outputs) * spectra, 0.0f);
  spectra_.assign(spectra, 0.0f);
  sums_.assign(size_of(groups_) * kGroupFloats, 0.0f);
  tails_.assign(size_of(outputs) * size(), 0.0f);
  coming_tails_ = tails_;
  work_.assign(transform_->work_size(), 0.0f);
  prepare_filters(taps, length);
  plan();
  reset();
}

std::size_t ConvolverLevel::floats() const {
  std::size_t sum = 0;
  for (const Floats* one : {&filters_, &spectra_, &sums_, &tails_, &coming_tails_, &work_}) sum += one->capacity();
  return sum;
}

void ConvolverLevel::prepare_filters(const std::vector<float>& taps, int length) {
  const Floats silence(size(), 0.0f);
  Floats block(size());
  const std::size_t factors = size_of(partitions_.count) * size_of(inputs_), group_stride = factors * kGroupFloats;
  for (int o = 0; o < outputs_; ++o) {
    for (int i = 0; i < inputs_; ++i) {
      const float* h = taps.data() + (size_of(o) * size_of(inputs_) + size_of(i)) * size_of(length);
      for (int p = 0; p < partitions_.count; ++p) {
        const int from = partitions_.first_tap + p * partitions_.size;
        const int count = std::clamp(length - from, 0, partitions_.size);
        std::fill(std::copy_n(h + from, count, block.begin()), block.end(), 0.0f);
        float* to = filters_.data() + size_of(o) * size_of(groups_) * group_stride +
                    (size_of(p) * size_of(inputs_) + size_of(i)) * kGroupFloats;
        for (int step = 0; step < transform_->steps(); ++step)
          transform_->forward(step, block.data(), silence.data(), work_.data(), to, group_stride);
      }
    }
  }
}

/// Tasks in their order, each about as long as a step of the transform, and how many of them each slot does.
void ConvolverLevel::plan() {
  const int steps = transform_->steps();
  const double step_cost = transform_cost(partitions_.size) / steps;
  const double group_cost = partitions_.count * inputs_ * product_cost(kGroup);
  groups_together_ = std::clamp(static_cast<int>(step_cost / group_cost), 1, groups_);
  std::vector<double> done;
  double sum = 0;
  const auto add = [&](Kind kind, int channel, int part, double cost) {
    tasks_.push_back({kind, channel, part});
    done.push_back(sum += cost);
  };
  for (int i = 0; i < inputs_; ++i) {
    for (int step = 0; step < steps; ++step) add(Kind::kForward, i, step, step_cost);
  }
  for (int o = 0; o < outputs_; ++o) {
    for (int g = 0; g < groups_; g += groups_together_)
      add(Kind::kMultiply, o, g, std::min(groups_together_, groups_ - g) * group_cost);
    for (int step = 0; step < steps; ++step) add(Kind::kInverse, o, step, step_cost);
  }
  for (int s = 1; s < slots_; ++s) {
    const auto after = std::upper_bound(done.begin(), done.end(), sum * s / slots_ + 0.5 * step_cost);
    until_.push_back(static_cast<std::size_t>(after - done.begin()));
  }
  until_.push_back(tasks_.size());
}

void ConvolverLevel::reset() noexcept {
  // What the ring of spectra holds is not read before it is written.
  std::fill(tails_.begin(), tails_.end(), 0.0f);
  newest_ = 0, filled_ = 0, slot_ = 0, block_end_ = 0, is_complete_ = false;
  tail_at_ = 0;
}

void ConvolverLevel::advance(const InputRing& ring) noexcept {
  slot_ = (slot_ + 1) % slots_;
  if (slot_ == 0) {
    is_complete_ = true;
    block_end_ = ring.time();
    newest_ = (newest_ + partitions_.count - 1) % partitions_.count;
    filled_ = std::min(filled_ + 1, partitions_.count);
  }
  tail_at_ = (slot_ + 1) % slots_ * kSlot;
  if (!is_complete_) return;
  const std::size_t end = until_[size_of(slot_)];
  for (std::size_t t = slot_ == 0 ? 0 : until_[size_of(slot_ - 1)]; t < end; ++t) run(tasks_[t], ring);
  if (slot_ + 1 == slots_) std::swap(tails_, coming_tails_);
}

void ConvolverLevel::run(const Task& task, const InputRing& ring) noexcept {
  switch (task.kind) {
    case Kind::kForward:
      return transform_->forward(
          task.part, ring.block(task.channel, block_end_ - partitions_.size, partitions_.size),
          ring.block(task.channel, block_end_, partitions_.size), work_.data(),
          spectra_.data() + (size_of(newest_) * size_of(inputs_) + size_of(task.channel)) * kGroupFloats,
          size_of(partitions_.count) * size_of(inputs_) * kGroupFloats);
    case Kind::kMultiply:
      return multiply(task.channel, task.part);
    case Kind::kInverse:
      return transform_->inverse(task.part, sums_.data(), work_.data(),
                                 coming_tails_.data() + size_of(task.channel) * size());
  }
}

void ConvolverLevel::multiply(int output, int first_group) noexcept {
  const std::size_t stride = size_of(partitions_.count) * size_of(inputs_) * kGroupFloats;
  const int until_end = std::min(filled_, partitions_.count - newest_);
  const SpectrumProducts products{
      filters_.data() + (size_of(output) * size_of(groups_) + size_of(first_group)) * stride,
      stride,
      spectra_.data() + size_of(first_group) * stride,
      stride,
      newest_ * inputs_,
      until_end * inputs_,
      (filled_ - until_end) * inputs_};
  multiply_spectra(products, std::min(groups_together_, groups_ - first_group),
                   sums_.data() + size_of(first_group) * kGroupFloats);
}

}  // namespace diffverb::runtime
