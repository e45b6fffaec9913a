#include "runtime/moving_responses_player.h"

#include <algorithm>

#include "runtime/kernels.h"
#include "runtime/size.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kChunkStride = 128 + kPad;

}  // namespace

void MovingResponsesPlayer::prepare(const MovingResponses& moving, int outputs, int inputs, double sample_rate_hz) {
  outputs_ = outputs, inputs_ = inputs;
  gains_ = MovingGains(moving, sample_rate_hz);
  still_.clear(), moved_.clear(), alone_.clear();
  for (int r = 0; r < moving.count; ++r) {
    if (gains_.is_still_after(r))
      still_.push_back(r);
    else
      moved_.push_back({r});
  }
  const std::size_t length = size(moving.samples);
  const auto row = [&](int r, int o, int i) {
    return moving.taps.begin() +
           static_cast<std::ptrdiff_t>(((size(r) * size(outputs) + size(o)) * size(inputs) + size(i)) * length);
  };
  std::vector<float> taps;
  for (int o = 0; o < outputs; ++o) {
    for (const int r : still_) {
      for (int i = 0; i < inputs; ++i) {
        const double gain = moving.means[2 * size(r) + 1];
        std::transform(row(r, o, i), row(r, o, i) + moving.samples, std::back_inserter(taps),
                       [gain](float tap) { return static_cast<float>(gain * tap); });
      }
    }
  }
  const int joined = static_cast<int>(still_.size()) * inputs;
  if (!still_.empty()) together_.prepare(taps, outputs, joined, moving.samples);
  for (const std::vector<int>& one : moved_) {
    taps.assign(row(one[0], 0, 0), row(one[0], 0, 0) + static_cast<std::ptrdiff_t>(size(outputs * inputs) * length));
    alone_.emplace_back().prepare(taps, outputs, inputs, moving.samples);
  }
  before_.assign(size(moving.count) * kChunk, 0.0f);
  after_ = before_;
  fed_.assign(size(std::max(joined, inputs)) * kChunkStride, 0.0f);
  made_.assign(size(outputs) * kChunkStride, 0.0f);
}

void MovingResponsesPlayer::reset() noexcept {
  gains_.reset();
  if (!still_.empty()) together_.reset();
  for (Convolver& convolver : alone_) convolver.reset();
}

void MovingResponsesPlayer::add(const float* in, std::size_t in_stride, float* out, std::size_t out_stride,
                                int frames) noexcept {
  if (still_.empty() && moved_.empty()) return;
  for (int done = 0; done < frames; done += kChunk)
    add_chunk(in + done, in_stride, out + done, out_stride, std::min(kChunk, frames - done));
}

/// The inputs of a convolver: each response's own, with its gain.
void MovingResponsesPlayer::feed(const std::vector<int>& responses, const float* in, std::size_t in_stride,
                                 int frames) noexcept {
  float* to = fed_.data();
  for (const int r : responses) {
    const float* gain = before_.data() + size(r) * kChunk;
    for (int i = 0; i < inputs_; ++i, to += kChunkStride) {
      const float* from = in + size(i) * in_stride;
      for (int t = 0; t < frames; ++t) to[t] = gain[t] * from[t];
    }
  }
}

void MovingResponsesPlayer::add_chunk(const float* in, std::size_t in_stride, float* out, std::size_t out_stride,
                                      int frames) noexcept {
  for (int t = 0; t < frames; ++t) {
    gains_.step();
    for (std::size_t r = 0; r < gains_.before().size(); ++r) {
      before_[r * kChunk + size(t)] = static_cast<float>(gains_.before()[r]);
      after_[r * kChunk + size(t)] = static_cast<float>(gains_.after()[r]);
    }
  }
  if (!still_.empty()) {
    feed(still_, in, in_stride, frames);
    together_.add(fed_.data(), kChunkStride, out, out_stride, frames);
  }
  for (std::size_t k = 0; k < moved_.size(); ++k) {
    feed(moved_[k], in, in_stride, frames);
    std::fill(made_.begin(), made_.end(), 0.0f);
    alone_[k].add(fed_.data(), kChunkStride, made_.data(), kChunkStride, frames);
    const float* gain = after_.data() + size(moved_[k][0]) * kChunk;
    for (int o = 0; o < outputs_; ++o) {
      const float* from = made_.data() + size(o) * kChunkStride;
      float* to = out + size(o) * out_stride;
      for (int t = 0; t < frames; ++t) to[t] += gain[t] * from[t];
    }
  }
}

}  // namespace diffverb::runtime
