#include "datasets/measured_response.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "core/acoustics/preparation.h"
#include "core/acoustics/validate.h"
#include "core/printed.h"
#include "datasets/response_file.h"

namespace diffverb {
namespace {

/// The constant that a recorder added, or 0: where the last quarter is hardly anything else, and not far below the peak.
/// Left in, it would be energy that does not decay.
double dc_of(const std::vector<float>& samples) {
  constexpr double kShareOfTail = 0.5, kAudible = 1e-4;
  const auto tail = std::span(samples).last(samples.size() / 4);
  double sum = 0, squares = 0, peak = 0;
  for (const float x : tail) sum += x, squares += static_cast<double>(x) * x;
  for (const float x : samples) peak = std::max(peak, std::abs(static_cast<double>(x)));
  const double mean = tail.empty() ? 0 : sum / static_cast<double>(tail.size());
  return sum * mean > kShareOfTail * squares && std::abs(mean) > kAudible * peak ? mean : 0;
}

std::vector<std::string> remove_dc(Audio& audio, const std::string& name) {
  std::vector<std::string> warnings;
  for (std::size_t c = 0; c < audio.channels.size(); ++c) {
    const double dc = dc_of(audio.channels[c]);
    if (dc == 0) continue;
    for (float& x : audio.channels[c]) x = static_cast<float>(x - dc);
    warnings.push_back(name + ": channel " + std::to_string(c + 1) + ": DC of " + printed("%.3g", dc) + " removed");
  }
  return warnings;
}

}  // namespace

MeasuredResponse read_measured_response(const std::filesystem::path& path) {
  Audio audio = read_response(path);
  MeasuredResponse out;
  out.warnings = remove_dc(audio, path.string());
  const std::vector<std::string> more = acoustics::check_response(audio, path);
  out.warnings.insert(out.warnings.end(), more.begin(), more.end());
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
