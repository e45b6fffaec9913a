#include "train/levels/loss_value.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/analysis.h"
#include "core/error.h"
#include "core/fields.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

constexpr double kLeadSeconds = 1e-3;

std::size_t first_onset(const Audio& audio) {
  std::size_t first = audio.frames();
  for (const auto& channel : audio.channels)
    first = std::min(first, acoustics::find_onset(acoustics::to_double(channel)));
  const auto lead = static_cast<std::size_t>(kLeadSeconds * audio.rate_hz);
  return first - std::min(first, lead);
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
  const std::size_t from = first_onset(audio);
  const at::Tensor ir =
      at::zeros({1, static_cast<std::int64_t>(audio.channels.size()), static_cast<std::int64_t>(samples)}, at::kDouble);
  double* to = ir.mutable_data_ptr<double>();
  for (const auto& channel : audio.channels) {
    for (std::size_t n = 0; n < samples && from + n < channel.size(); ++n) to[n] = gain * channel[from + n];
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
    const std::size_t samples = target.frames() - first_onset(target);
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
