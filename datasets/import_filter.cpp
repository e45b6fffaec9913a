#include "datasets/import_filter.h"

#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/fft.h"

namespace diffverb {

void apply_filter(const ImportFilter& filter, double gain_db, std::vector<float>& samples) {
  if (filter.taps.empty() && gain_db == 0) return;
  const double gain = std::pow(10.0, gain_db / 20);
  if (filter.taps.empty()) {
    for (float& value : samples) value = static_cast<float>(gain * static_cast<double>(value));
    return;
  }
  const at::NoGradGuard no_grad;
  auto taps = filter.taps;
  const auto count = static_cast<std::int64_t>(samples.size()), length = static_cast<std::int64_t>(taps.size());
  const auto size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(count + length - 1)));
  const auto x = at::from_blob(samples.data(), {count}, at::kFloat).to(at::kDouble);
  const auto h = at::from_blob(taps.data(), {length}, at::kDouble);
  const auto y = at::fft_irfft(at::fft_rfft(x, size) * at::fft_rfft(h, size), size) * gain;
  // What a delay pushed beyond the end comes back; what stood before the first sample is cut.
  const auto kept = y.slice(0, filter.delay_samples, filter.delay_samples + count).to(at::kFloat).contiguous();
  std::copy_n(kept.const_data_ptr<float>(), count, samples.begin());
}

}  // namespace diffverb
