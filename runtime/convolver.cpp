#include "runtime/convolver.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/kernels.h"

namespace diffverb::runtime {
namespace {
constexpr int kSize = 2 * Convolver::kPartition;
constexpr std::size_t kHistory = 2 * Convolver::kPartition + kPad;
constexpr std::size_t kTail = Convolver::kPartition + kPad;
}  // namespace

void Convolver::prepare(const std::vector<float>& taps, int outputs, int inputs, int length) {
  outputs_ = outputs, inputs_ = inputs, length_ = length;
  head_taps_ = std::min(length, kPartition);
  partitions_ = std::max(0, (length - 1) / kPartition);
  bins_ = kPartition + kPad;
  const auto pairs = static_cast<std::size_t>(outputs * inputs);
  head_.assign(pairs * static_cast<std::size_t>(head_taps_), 0.0f);
  history_.assign(static_cast<std::size_t>(inputs) * kHistory, 0.0f);
  tail_.assign(static_cast<std::size_t>(outputs) * kTail, 0.0f);
  re_.assign(kSize, 0.0f), im_.assign(kSize, 0.0f), work_.assign(2 * kSize, 0.0f), twiddle_.assign(2 * kSize, 0.0f);
  for (int k = 0; k < kSize / 2; ++k) {
    for (int even = 0; even < 2; ++even) {
      const double angle = 2 * std::numbers::pi * (even ? k / 2 * 2 : k) / kSize;
      twiddle_[static_cast<std::size_t>(even * kSize + k)] = static_cast<float>(std::cos(angle));
      twiddle_[static_cast<std::size_t>(even * kSize + kSize / 2 + k)] = static_cast<float>(-std::sin(angle));
    }
  }
  const std::size_t spectrum_floats = 2 * static_cast<std::size_t>(bins_);
  filters_.assign(static_cast<std::size_t>(partitions_) * pairs * spectrum_floats, 0.0f);
  inputs_spectra_.assign(static_cast<std::size_t>(partitions_ * inputs) * spectrum_floats, 0.0f);
  factors_a_.assign(static_cast<std::size_t>(partitions_ * inputs), nullptr);
  factors_b_ = factors_a_;
  sums_.assign(static_cast<std::size_t>(outputs) * spectrum_floats, 0.0f);
  for (int pair = 0; pair < outputs * inputs; ++pair) {
    const float* h = taps.data() + static_cast<std::ptrdiff_t>(pair) * length;
    std::copy_n(h, head_taps_, head_.begin() + pair * head_taps_);
    for (int p = 0; p < partitions_; ++p) {
      const int from = (p + 1) * kPartition, count = std::min(kPartition, length - from);
      std::fill(re_.begin(), re_.end(), 0.0f);
      std::fill(im_.begin(), im_.end(), 0.0f);
      std::copy_n(h + from, count, re_.begin());
      fft(re_.data(), im_.data(), work_.data(), twiddle_.data(), kSize);
      float* spectrum_at = spectrum(filters_, p * outputs * inputs + pair);
      std::copy_n(re_.begin(), kPartition + 1, spectrum_at);
      std::copy_n(im_.begin(), kPartition + 1, spectrum_at + bins_);
    }
  }
  reset();
}

void Convolver::reset() noexcept {
  std::fill(history_.begin(), history_.end(), 0.0f);
  std::fill(inputs_spectra_.begin(), inputs_spectra_.end(), 0.0f);
  std::fill(sums_.begin(), sums_.end(), 0.0f);
  std::fill(tail_.begin(), tail_.end(), 0.0f);
  position_ = 0;
  newest_ = 0;
  next_ = partitions_;
}

void Convolver::add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, int frames) noexcept {
  if (length_ == 0) return;
  for (int done = 0; done < frames;) {
    const int count = std::min(frames - done, kPartition - position_);
    add_within_partition(in + done, in_stride, out + done, out_stride, count);
    done += count;
  }
}

void Convolver::add_within_partition(const float* in, std::size_t in_stride, float* out, std::size_t out_stride,
                                     int frames) noexcept {
  for (int i = 0; i < inputs_; ++i) {
    std::copy_n(in + static_cast<std::size_t>(i) * in_stride, frames,
                history_.data() + static_cast<std::size_t>(i) * kHistory + kPartition + position_);
  }
  alignas(64) float sum[kTail];
  for (int o = 0; o < outputs_; ++o) {
    std::copy_n(tail_.data() + static_cast<std::size_t>(o) * kTail + position_, frames, sum);
    for (int i = 0; i < inputs_; ++i) {
      const float* now = history_.data() + static_cast<std::size_t>(i) * kHistory + kPartition + position_;
      add_fir(head_.data() + (o * inputs_ + i) * head_taps_, head_taps_, now, sum, frames);
    }
    float* y = out + static_cast<std::size_t>(o) * out_stride;
    for (int t = 0; t < frames; ++t) y[t] += sum[t];
  }
  position_ += frames;
  if (partitions_ > 1) multiply_until(1 + (partitions_ - 1) * (kPartition - position_) / kPartition);
  if (position_ == kPartition) finish_partition();
}

/// Adds the partitions that need no input newer than the last complete spectrum, from the last one down to 2 (counted
/// from 1): these are known before the current partition is full.
void Convolver::multiply_until(int partition) noexcept {
  const int from = next_;
  for (int o = 0; o < outputs_; ++o) {
    std::size_t count = 0;
    for (next_ = from; next_ > partition; --next_) {
      // In the sum for the coming partition, filter p meets the input that lies p partitions back: the newest is p = 2.
      const int slot = (newest_ + (next_ - 2)) % partitions_;
      for (int i = 0; i < inputs_; ++i, ++count) {
        factors_a_[count] = spectrum(filters_, ((next_ - 1) * outputs_ + o) * inputs_ + i);
        factors_b_[count] = spectrum(inputs_spectra_, slot * inputs_ + i);
      }
    }
    add_products(factors_a_.data(), factors_b_.data(), static_cast<int>(count), kPartition + 1,
                 static_cast<std::size_t>(bins_), spectrum(sums_, o));
  }
}

void Convolver::finish_partition() noexcept {
  position_ = 0;
  const auto shift_history = [&](int i) {
    float* h = history_.data() + static_cast<std::size_t>(i) * kHistory;
    std::copy_n(h + kPartition, kPartition, h);
  };
  if (partitions_ > 0) {
    newest_ = (newest_ + partitions_ - 1) % partitions_;
    for (int i = 0; i < inputs_; ++i) {
      std::copy_n(history_.data() + static_cast<std::size_t>(i) * kHistory, kSize, re_.data());
      std::fill(im_.begin(), im_.end(), 0.0f);
      fft(re_.data(), im_.data(), work_.data(), twiddle_.data(), kSize);
      float* x = spectrum(inputs_spectra_, newest_ * inputs_ + i);
      std::copy_n(re_.data(), kPartition + 1, x);
      std::copy_n(im_.data(), kPartition + 1, x + bins_);
      for (int o = 0; o < outputs_; ++o) {
        const float *h = spectrum(filters_, o * inputs_ + i), *now = x;
        add_products(&h, &now, 1, kPartition + 1, static_cast<std::size_t>(bins_), spectrum(sums_, o));
      }
    }
    // Two real outputs in one inverse transform: z = y0 + i y1. Inverse by exchanging the parts of a forward one.
    for (int o = 0; o < outputs_; o += 2) {
      const float* a = spectrum(sums_, o);
      const bool two = o + 1 < outputs_;
      const float* b = two ? spectrum(sums_, o + 1) : nullptr;
      for (int k = 0; k <= kPartition; ++k) {
        const float ar = a[k], ai = a[bins_ + k], br = two ? b[k] : 0.0f, bi = two ? b[bins_ + k] : 0.0f;
        re_[static_cast<std::size_t>(k)] = ar - bi;
        im_[static_cast<std::size_t>(k)] = ai + br;
        if (k == 0 || k == kPartition) continue;
        re_[static_cast<std::size_t>(kSize - k)] = ar + bi;
        im_[static_cast<std::size_t>(kSize - k)] = br - ai;
      }
      fft(im_.data(), re_.data(), work_.data(), twiddle_.data(), kSize);
      constexpr float scale = 1.0f / kSize;
      for (int t = 0; t < kPartition; ++t) {  // overlap-save: the second half is free of wrap-around
        const auto at = static_cast<std::size_t>(kPartition + t);
        tail_[static_cast<std::size_t>(o) * kTail + static_cast<std::size_t>(t)] = re_[at] * scale;
        if (two) tail_[static_cast<std::size_t>(o + 1) * kTail + static_cast<std::size_t>(t)] = im_[at] * scale;
      }
    }
    std::fill(sums_.begin(), sums_.end(), 0.0f);
    next_ = partitions_;
  }
  for (int i = 0; i < inputs_; ++i) shift_history(i);
}

}  // namespace diffverb::runtime
