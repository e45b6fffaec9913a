#include "core/audio_tensor.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace diffverb {

at::Tensor to_tensor(const Audio& audio) {
  const auto frames = static_cast<std::int64_t>(audio.frames());
  auto out = at::empty({static_cast<std::int64_t>(audio.channels.size()), frames}, at::kDouble);
  double* row = out.mutable_data_ptr<double>();
  for (const std::vector<float>& channel : audio.channels) row = std::copy(channel.begin(), channel.end(), row);
  return out;
}

Audio to_audio(const at::Tensor& channels, double rate_hz) {
  Audio audio;
  audio.rate_hz = rate_hz;
  const auto rows = channels.to(at::kCPU, at::kFloat).contiguous();
  for (std::int64_t c = 0; c < rows.size(0); ++c) {
    const float* data = rows.const_data_ptr<float>() + c * rows.size(1);
    audio.channels.emplace_back(data, data + rows.size(1));
  }
  return audio;
}

}  // namespace diffverb
