#include "datasets/measured_response.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/preparation.h"
#include "core/acoustics/validate.h"
#include "datasets/response_file.h"

namespace diffverb {

MeasuredResponse read_measured_response(const std::filesystem::path& path) {
  const Audio audio = read_response(path);
  MeasuredResponse out;
  out.warnings = acoustics::check_response(audio, path);
  out.source = path;
  out.sample_rate_hz = audio.rate_hz;
  const auto frames = static_cast<std::int64_t>(audio.frames());
  const auto channels = static_cast<std::int64_t>(audio.channels.size());
  auto ir = at::empty({channels, frames}, at::kDouble);
  std::int64_t onset = frames, end = 0;
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::vector<double> samples(audio.channels[c].begin(), audio.channels[c].end());
    std::copy(samples.begin(), samples.end(), ir.data_ptr<double>() + c * frames);
    if (*std::max_element(samples.begin(), samples.end()) == 0 &&
        *std::min_element(samples.begin(), samples.end()) == 0)
      continue;
    const acoustics::Extent extent = acoustics::find_extent(samples, audio.rate_hz);
    onset = std::min(onset, static_cast<std::int64_t>(extent.onset));
    end = std::max(end, static_cast<std::int64_t>(extent.end));
  }
  if (end < frames) {
    out.warnings.push_back(path.string() + ": ends in a fade or padding: only its first " +
                           std::to_string(static_cast<double>(end) / audio.rate_hz).substr(0, 5) + " s are used");
  }
  out.onset_s = static_cast<double>(onset) / audio.rate_hz;
  // A response whose onset comes at once is given silence before it, so that the onset stands at one place in every
  // fit.
  const std::int64_t begin = onset - kSamplesBeforeOnset;
  auto kept = ir.slice(1, std::max<std::int64_t>(begin, 0), end);
  if (begin < 0) kept = at::cat({at::zeros({channels, -begin}, at::kDouble), kept}, 1);
  out.gain = std::sqrt(kept.square().sum().item<double>());
  out.ir = (kept / out.gain).contiguous();
  return out;
}

}  // namespace diffverb
