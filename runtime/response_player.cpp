#include "runtime/response_player.h"

#include <algorithm>
#include <cmath>

#include "runtime/denormals.h"
#include "runtime/kernels.h"

namespace diffverb::runtime {

void ResponsePlayer::prepare(std::span<const float> left, std::span<const float> right) {
  const std::span<const float> responses[2] = {left, right};
  for (int c = 0; c < 2; ++c) {
    channels_[c].prepare({responses[c].begin(), responses[c].end()}, 1, 1, static_cast<int>(responses[c].size()));
  }
  in_.assign(kBlock + kPad, 0.0f);
  out_.assign(kBlock + kPad, 0.0f);
}

void ResponsePlayer::reset() noexcept {
  for (Convolver& channel : channels_) channel.reset();
}

void ResponsePlayer::process(const float* const* in, float* const* out, int frames) noexcept {
  const FlushDenormals flush;
  for (int done = 0; done < frames; done += kBlock) {
    const int count = std::min(frames - done, kBlock);
    for (int c = 0; c < 2; ++c) {
      for (int n = 0; n < count; ++n) {
        const float x = in[c][done + n];
        in_[static_cast<std::size_t>(n)] = std::abs(x) <= 1e9f ? x : 0.0f;
      }
      std::fill_n(out_.begin(), count, 0.0f);
      channels_[c].add(in_.data(), 0, out_.data(), 0, count);
      std::copy_n(out_.begin(), count, out[c] + done);
    }
  }
}

}  // namespace diffverb::runtime
