#include "core/audio_tensor.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "core/error.h"

namespace diffverb {

Audio audio_of(const at::Tensor& channels, double sample_rate_hz) {
  const auto rows = channels.detach().to(at::kCPU, at::kFloat).contiguous();
  Audio audio;
  audio.rate_hz = sample_rate_hz;
  for (std::int64_t c = 0; c < rows.size(0); ++c) {
    const float* first = rows.const_data_ptr<float>() + c * rows.size(1);
    audio.channels.emplace_back(first, first + rows.size(1));
  }
  return audio;
}

at::Tensor channels_of(const Audio& audio) {
  if (audio.channels.empty()) throw ContractError("a sound without channels");
  const auto frames = static_cast<std::int64_t>(audio.frames());
  auto rows = at::empty({static_cast<std::int64_t>(audio.channels.size()), frames}, at::kDouble);
  double* to = rows.mutable_data_ptr<double>();
  for (const auto& channel : audio.channels) to = std::copy(channel.begin(), channel.end(), to);
  return rows;
}

}  // namespace diffverb
