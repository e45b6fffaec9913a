#include "train/levels/loss_value.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>

#include "core/acoustics/analysis.h"
#include "core/error.h"
#include "core/fields.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

constexpr double kLeadSeconds = 1e-3;

/// Where a response begins, in samples: a millisecond before its first channel's onset, which may be before the file.
std::ptrdiff_t beginning(const Audio& audio) {
  std::size_t first = audio.frames();
  for (const auto& channel : audio.channels)
    first = std::min(first, acoustics::find_onset(acoustics::to_double(channel)));
  return static_cast<std::ptrdiff_t>(first) - static_cast<std::ptrdiff_t>(kLeadSeconds * audio.rate_hz);
}

double energy_of(const Audio& audio) {
  double energy = 0;
  for (const auto& channel : audio.channels) {
    for (const float value : channel) energy += static_cast<double>(value) * value;
  }
  return energy;
}

/// [1, C, samples]
Response aligned(const Audio& audio, std::size_t samples, double gain) {
  const std::ptrdiff_t from = beginning(audio);
  const at::Tensor ir =
      at::zeros({1, static_cast<std::int64_t>(audio.channels.size()), static_cast<std::int64_t>(samples)}, at::kDouble);
  double* to = ir.mutable_data_ptr<double>();
  for (const auto& channel : audio.channels) {
    for (std::size_t n = 0; n < samples; ++n) {
      const std::ptrdiff_t at = from + static_cast<std::ptrdiff_t>(n);
      if (at >= 0 && at < std::ssize(channel)) to[n] = gain * channel[static_cast<std::size_t>(at)];
    }
    to += samples;
  }
  return Response(ir, audio.rate_hz);
}

}  // namespace

Figure loss_figure(const std::string& key, const std::string& config, const Audio& target, const Audio& played,
                   bool of_target) {
  const at::NoGradGuard no_grad;
  Figure out{key, std::nullopt};
  const double wanted = energy_of(target), energy = energy_of(played);
  if (!(wanted > 0 && energy > 0)) {
    out.why_not = "silence";
    return out;
  }
  try {
    Fields fields = Fields::from_text(config, "eval");
    const auto loss = family<Loss>().make(fields);
    const auto samples = static_cast<std::size_t>(std::ssize(target.channels[0]) - beginning(target));
    const Response reference = aligned(target, samples, 1);
    loss->prepare(reference);
    const double value = loss->evaluate(aligned(played, samples, std::sqrt(wanted / energy))).item<double>();
    if (std::isfinite(value))
      out.value = value;
    else
      out.why_not = "not a finite number";
    if (of_target) out.target = loss->value_at_target();
  } catch (const Error& error) {
    out.why_not = error.what();
  }
  return out;
}

}  // namespace diffverb
