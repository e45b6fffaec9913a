#include "runtime/early_part.h"

#include <algorithm>
#include <complex>
#include <kissfft/kissfft.hh>

#include "runtime/line_kernels.h"

namespace diffverb::runtime {

/// Real transforms of 2 kBlock samples; the buffers are there from the start.
struct EarlyPart::Transform {
  static constexpr int kSize = 2 * kBlock;
  kissfft<float> forward_plan{kSize, false}, inverse_plan{kSize, true};
  std::vector<std::complex<float>> in = std::vector<std::complex<float>>(kSize), out = in;

  void forward(const float* samples, float* re, float* im) noexcept {
    for (int n = 0; n < kSize; ++n) in[n] = samples[n];
    forward_plan.transform(in.data(), out.data());
    for (int k = 0; k <= kBlock; ++k) {
      re[k] = out[k].real();
      im[k] = out[k].imag();
    }
  }
  /// The last kBlock samples of the inverse.
  void inverse(const float* re, const float* im, float* samples) noexcept {
    for (int k = 0; k <= kBlock; ++k) in[k] = {re[k], im[k]};
    for (int k = 1; k < kBlock; ++k) in[kSize - k] = std::conj(in[k]);
    inverse_plan.transform(in.data(), out.data());
    for (int n = 0; n < kBlock; ++n) samples[n] = out[kBlock + n].real() * (1.0f / kSize);
  }
};

EarlyPart::EarlyPart(const float* taps, int outputs, int inputs, int count)
    : outputs_(outputs), inputs_(inputs), count_(count), head_(std::min(count, kBlock)), partitions_((std::max(count - kBlock, 0) + kBlock - 1) / kBlock),
      transform_(std::make_unique<Transform>()) {
  const std::size_t paths = static_cast<std::size_t>(outputs) * inputs;
  head_taps_.resize(paths * head_);
  tail_re_.resize(paths * partitions_ * bins_);
  tail_im_.resize(tail_re_.size());
  history_.resize(static_cast<std::size_t>(inputs) * 2 * kBlock);
  frames_re_.resize(static_cast<std::size_t>(inputs) * partitions_ * bins_);
  frames_im_.resize(frames_re_.size());
  tail_.resize(static_cast<std::size_t>(outputs) * kBlock);
  sum_re_.resize(bins_);
  sum_im_.resize(bins_);
  std::vector<float> padded(2 * kBlock);
  for (std::size_t path = 0; path < paths; ++path) {
    const float* from = taps + path * count;
    std::copy_n(from, head_, head_taps_.begin() + path * head_);
    for (int p = 0; p < partitions_; ++p) {
      std::fill(padded.begin(), padded.end(), 0.0f);
      const int begin = (p + 1) * kBlock;
      std::copy_n(from + begin, std::min(kBlock, count - begin), padded.begin());
      const std::size_t at = (path * partitions_ + p) * bins_;
      transform_->forward(padded.data(), tail_re_.data() + at, tail_im_.data() + at);
    }
  }
}

EarlyPart::~EarlyPart() = default;

void EarlyPart::reset() noexcept {
  for (auto* buffer : {&history_, &frames_re_, &frames_im_, &tail_}) std::fill(buffer->begin(), buffer->end(), 0.0f);
  position_ = newest_ = 0;
}

/// A block is full: its transform joins the ring, and the partitions' answer for the next block is made.
void EarlyPart::next_block() noexcept {
  if (partitions_ > 0) {
    newest_ = (newest_ + partitions_ - 1) % partitions_;
    for (int i = 0; i < inputs_; ++i) {
      const std::size_t at = (static_cast<std::size_t>(i) * partitions_ + newest_) * bins_;
      transform_->forward(history_.data() + static_cast<std::size_t>(i) * 2 * kBlock, frames_re_.data() + at, frames_im_.data() + at);
    }
    for (int o = 0; o < outputs_; ++o) {
      std::fill(sum_re_.begin(), sum_re_.end(), 0.0f);
      std::fill(sum_im_.begin(), sum_im_.end(), 0.0f);
      for (int i = 0; i < inputs_; ++i) {
        for (int p = 0; p < partitions_; ++p) {
          const std::size_t frame = (static_cast<std::size_t>(i) * partitions_ + (newest_ + p) % partitions_) * bins_;
          const std::size_t part = ((static_cast<std::size_t>(o) * inputs_ + i) * partitions_ + p) * bins_;
          add_spectra(frames_re_.data() + frame, frames_im_.data() + frame, tail_re_.data() + part, tail_im_.data() + part, sum_re_.data(), sum_im_.data(), bins_);
        }
      }
      transform_->inverse(sum_re_.data(), sum_im_.data(), tail_.data() + static_cast<std::size_t>(o) * kBlock);
    }
  }
  for (int i = 0; i < inputs_; ++i) {
    float* samples = history_.data() + static_cast<std::size_t>(i) * 2 * kBlock;
    std::copy_n(samples + kBlock, kBlock, samples);
  }
  position_ = 0;
}

void EarlyPart::process(const float* const* in, float* const* out, int frames) noexcept {
  for (int done = 0; done < frames;) {
    const int length = std::min(frames - done, kBlock - position_);
    for (int i = 0; i < inputs_; ++i) {
      std::copy_n(in[i] + done, length, history_.data() + static_cast<std::size_t>(i) * 2 * kBlock + kBlock + position_);
    }
    for (int o = 0; o < outputs_; ++o) {
      const float* tail = tail_.data() + static_cast<std::size_t>(o) * kBlock + position_;
      float* to = out[o] + done;
      for (int n = 0; n < length; ++n) to[n] += tail[n];
      for (int i = 0; i < inputs_; ++i) {
        const std::size_t path = static_cast<std::size_t>(o) * inputs_ + i;
        add_fir(head_taps_.data() + path * head_, head_, history_.data() + static_cast<std::size_t>(i) * 2 * kBlock + kBlock + position_, to, length);
      }
    }
    position_ += length;
    done += length;
    if (position_ == kBlock) next_block();
  }
}

}  // namespace diffverb::runtime
