#include "core/resample.h"

#include <soxr.h>

#include <cmath>
#include <mutex>
#include <string>

#include "core/error.h"

namespace diffverb {
namespace {

/// Threads share the tables of soxr's transforms behind locks that its first use makes, and nothing guards that.
void prepare_for_threads(const soxr_io_spec_t& io, const soxr_quality_spec_t& quality) {
  static std::once_flag once;
  std::call_once(once, [&] { soxr_delete(soxr_create(1, 2, 1, nullptr, &io, &quality, nullptr)); });
}

}  // namespace

Audio resample(const Audio& audio, double rate_hz) {
  constexpr double kMostHz = 1e7;
  for (const double rate : {audio.rate_hz, rate_hz}) {
    if (!(rate >= 1 && rate <= kMostHz))
      throw ContractError("resample: sample rate is " + std::to_string(rate) + " Hz");
  }
  if (audio.rate_hz == rate_hz) return audio;
  Audio out;
  out.rate_hz = rate_hz;
  const auto frames =
      static_cast<std::size_t>(std::llround(static_cast<double>(audio.frames()) * rate_hz / audio.rate_hz));
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  prepare_for_threads(io, quality);
  for (const std::vector<float>& channel : audio.channels) {
    if (channel.size() != audio.frames()) throw ContractError("resample: channels of unequal length");
    std::vector<float> resampled(frames, 0.0f);
    std::size_t done = 0;
    if (const soxr_error_t error = soxr_oneshot(audio.rate_hz, rate_hz, 1, channel.data(), channel.size(), nullptr,
                                                resampled.data(), frames, &done, &io, &quality, nullptr))
      throw Error(std::string("resample: ") + soxr_strerror(error));
    out.channels.push_back(std::move(resampled));
  }
  return out;
}

}  // namespace diffverb
