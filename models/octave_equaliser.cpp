#include "models/octave_equaliser.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <cmath>
#include <numbers>

#include "core/acoustics/fft.h"
#include "core/filters/graphic_equaliser.h"
#include "core/filters/peaking.h"
#include "models/decay_change.h"

namespace diffverb {
namespace {

/// The lowest bands fall by 60 dB in 50 ms.
constexpr double kRing_s = 0.1;
constexpr double kHighestShare = 0.46;  // of the sample rate, for the shelf's corner
const Range kGainRange = between(-24, 24);

at::Tensor sections_of(const Knobs& knobs, double rate_hz) {
  const auto gains = knobs["eq_db"];
  std::vector<double> centres;
  for (const double hz : DecayChange::band_hz()) {
    if (hz * std::numbers::sqrt2 < kHighestShare * rate_hz) centres.push_back(hz);
  }
  const auto count = static_cast<std::int64_t>(centres.size());
  const auto commands = at::cat({knobs["level_db"].reshape({1}), gains.slice(0, 0, count + 1), gains.slice(0, -1)});
  return graphic_equaliser_sos(commands, centres, 1, rate_hz);
}

}  // namespace

void add_octave_equaliser(Knobs& knobs, Fields& fields) {
  knobs.add(fields, "level_db", 0.0, kGainRange, "dB");
  knobs.add(fields, "eq_db", std::vector<double>(DecayChange::band_hz().size() + 2, 0.0), kGainRange, "dB");
}

at::Tensor equalised(const at::Tensor& responses, const Knobs& knobs, double rate_hz) {
  const bool learned = at::GradMode::is_enabled() && (knobs.is_learned("level_db") || knobs.is_learned("eq_db"));
  const auto is_zero = [&](const char* key) { return knobs[key].detach().eq(0).all().item<bool>(); };
  if (!learned && is_zero("level_db") && is_zero("eq_db")) return responses;
  const auto ring = static_cast<std::int64_t>(kRing_s * rate_hz);
  const std::int64_t samples = responses.size(-1) + ring;
  const auto fft_size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(samples + ring)));
  const auto omega = at::arange(fft_size / 2 + 1, at::kDouble) * (2 * std::numbers::pi / static_cast<double>(fft_size));
  const auto gain = cascade_response(sections_of(knobs, rate_hz).unsqueeze(0), omega, at::kDouble, true);
  // What the equaliser adds, so that one that is flat adds nothing.
  const auto added = at::fft_irfft(at::fft_rfft(responses, fft_size) * (gain.squeeze(0) - 1), fft_size);
  return at::constant_pad_nd(responses, {0, ring}) + added.slice(-1, 0, samples);
}

}  // namespace diffverb
