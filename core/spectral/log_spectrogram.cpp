#include "core/spectral/log_spectrogram.h"

#include <ATen/ops/maximum.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {

LogSpectrogram log_spectrogram(const at::Tensor& ir, const LogSpectrogramOptions& options) {
  if (ir.dim() != 2) {
    std::ostringstream message;
    message << "log_spectrogram: the responses must be [B, T], got " << ir.sizes();
    throw ContractError(message.str());
  }
  if (options.frames < 1 || !(options.span_db > 0))
    throw ContractError("log_spectrogram: at least one frame and a span above 0 dB are needed, got " +
                        std::to_string(options.frames) + " and " + std::to_string(options.span_db));
  const at::NoGradGuard no_grad;
  // A silent response has no level: its power counts as the smallest number, not as 0.
  const double smallest = std::max(options.smallest_power, static_cast<double>(std::numeric_limits<float>::min()));
  const auto power = power_spectrogram(ir, options.fft_size, options.hop_size, options.padding);
  auto level = power.clamp_min(smallest).log10_().mul_(10);
  LogSpectrogram out;
  out.high_db = level.amax({1, 2});
  level = at::maximum(level, (out.high_db - options.span_db).view({-1, 1, 1}));
  out.low_db = options.fixed_span ? out.high_db - options.span_db : level.amin({1, 2});
  const auto span = (out.high_db - out.low_db).clamp_min(1e-6).view({-1, 1, 1});
  const auto values = (level - out.low_db.view({-1, 1, 1})) / span;
  const std::int64_t there = std::min(values.size(2), options.frames);
  out.values = at::zeros({values.size(0), values.size(1), options.frames}, values.options());
  out.values.narrow(2, 0, there).copy_(values.narrow(2, 0, there));
  // Everywhere equally soft: nothing to see, and the scale must not blow rounding up.
  out.values.mul_((out.high_db > out.low_db + 1e-6).view({-1, 1, 1}));
  if (options.fixed_span) {
    const auto audible = power.amax({1, 2}) > smallest;
    out.values.mul_(audible.view({-1, 1, 1}));
  }
  return out;
}

at::Tensor power_of(const LogSpectrogram& s) {
  const auto low = s.low_db.view({-1, 1, 1}), high = s.high_db.view({-1, 1, 1});
  return at::pow(10.0, (low + s.values * (high - low)) / 10);
}

}  // namespace diffverb
