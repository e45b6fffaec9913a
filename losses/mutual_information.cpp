#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/device/precision.h"
#include "core/seed.h"
#include "losses/checked_target.h"
#include "losses/loss.h"
#include "losses/mine.h"

namespace diffverb {
namespace {

/// Difference of how much the wet sound's envelope tells of the dry sound's.
///
///   L = mean_{b,c,o} | I(x_o; y_o of the estimate) - I(x_o; y_o of the target) |
///   x_o(k), y_o(k) = lg(energy in frame k, octaves o apart at edges_hz, + floor) of dry and wet,   I by MINE
///   (losses/mine.h)
///
/// Of the waveform only what arrives within one sample would count, for noise -0.5 ln(1 - h(0)^2 / sum h^2) at the direct
/// sound; the information that a room lets pass is in the envelope. It falls as the room smears it: by distance, by
/// decay time. For impulse responses the dry sound is noise with a syllable's rate, seeded, the wet one that convolved
/// with the response.
///
/// Where `towards` is least nothing of the target is compared: L = mean I, what the seed document minimises.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape. Where the target has "dry" [B, I, T], ir is what was
///          recorded of it (of a longer one its end: what ran in before is left out); channel c is compared with dry channel
///          min(c, I - 1)
/// Returns  scalar, nats; blind to level. value_at_target() is 0; towards: least, what the target has
/// Gradient finite everywhere; 0 at silence, which tells nothing (I = 0)
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, where the
///          dry sound's envelope is constant (it tells nothing), or where it has less than 8 frames; ConfigError for edges
///          that do not ascend
/// Source   Belghazi et al. 2018 (MINE); on envelopes: Houtgast and Steeneken 1985 (modulation transfer)
class MutualInformation final : public Loss {
 public:
  explicit MutualInformation(Fields& f) {
    f.choice("towards", towards_, {"target", "least"});
    f.optional("edges_hz", edges_hz_, above(0), "Hz");
    if (!std::is_sorted(edges_hz_.begin(), edges_hz_.end(), std::less_equal<>()))
      f.fail("edges_hz", "expected ascending frequencies");
    f.optional("frame_ms", frame_ms_, above(0), "ms");
    f.optional("dry_s", dry_s_, above(0), "s");
    f.optional("units", critic_.units, between(2, 256));
    f.optional("permutations", critic_.permutations, between(1, 64));
    f.optional("critic_steps", critic_steps_, between(0, 10000));
    f.optional("seed", critic_.seed);
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;
  double value_at_target() const override {
    return towards_ == "least" && target_information_.defined() ? target_information_.mean().item<double>() : 0;
  }

 private:
  static constexpr double kFloor = 1e-6;       // of a band's mean energy: 60 dB below it nothing is told
  static constexpr double kNothing = 1e-60;    // a band that the target does not have
  static constexpr double kLeastSwing = 1e-6;  // of a logarithm of energy
  static constexpr std::int64_t kFewestFrames = 8;

  at::Tensor make_dry(const at::Tensor& like) const;       // [1, 1, T']
  at::Tensor spectrum(const at::Tensor& ir) const;         // of the wet sound, [B, C, F]
  at::Tensor envelopes(const at::Tensor& spectrum) const;  // [B, C, O, frames], energies, float64
  at::Tensor dry_rows(const at::Tensor& dry_spectrum, const at::Tensor& wet_like) const;  // [B * C * O, frames]
  at::Tensor wet_rows(const at::Tensor& ir) const;                                        // the same
  std::int64_t frame_samples() const {
    return std::max<std::int64_t>(1, std::llround(frame_ms_ * 1e-3 * target_.sample_rate_hz()));
  }

  std::string towards_ = "target";
  std::vector<double> edges_hz_ = {250, 1000, 4000};
  double frame_ms_ = 8, dry_s_ = 4;
  Mine::Options critic_{.units = 16, .permutations = 4};
  std::int64_t critic_steps_ = 10;
  CheckedTarget target_{"mutual_information"};
  std::int64_t fft_size_ = 0, frames_ = 0;
  at::Tensor dry_spectrum_;        // [1, 1, F]; undefined where ir is what was recorded
  at::Tensor dry_;                 // [B * C * O, frames]
  at::Tensor floor_;               // [B, C, O, 1]
  at::Tensor target_information_;  // [rows]
  std::optional<Mine> mine_;
};

/// Noise whose level in dB swings at 4 Hz, by chance.
at::Tensor MutualInformation::make_dry(const at::Tensor& like) const {
  constexpr double kSyllablesHz = 4, kDepthDb = 12;
  const double rate_hz = target_.sample_rate_hz();
  const auto count = std::max<std::int64_t>(1, std::llround(dry_s_ * rate_hz));
  Random random(critic_.seed, "mutual_information dry");
  const auto knots = static_cast<std::size_t>(std::ceil(dry_s_ * kSyllablesHz)) + 2;
  std::vector<double> levels_db(knots), samples(static_cast<std::size_t>(count));
  for (double& level : levels_db) level = kDepthDb * random.normal();
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const double at = static_cast<double>(n) / rate_hz * kSyllablesHz;
    const auto knot = static_cast<std::size_t>(at);
    const double between = 0.5 - 0.5 * std::cos(std::numbers::pi * (at - static_cast<double>(knot)));
    const double level_db = levels_db[knot] + between * (levels_db[knot + 1] - levels_db[knot]);
    samples[n] = random.normal() * std::pow(10.0, level_db / 20);
  }
  return at::tensor(samples, at::kDouble).to(like.options()).reshape({1, 1, count});
}

at::Tensor MutualInformation::spectrum(const at::Tensor& ir) const {
  const auto own = at::fft_rfft(ir, fft_size_);
  return dry_spectrum_.defined() ? own * dry_spectrum_ : own;
}

at::Tensor MutualInformation::envelopes(const at::Tensor& spectrum) const {
  const std::int64_t bins = spectrum.size(2), hop = frame_samples();
  std::vector<at::Tensor> bands;
  std::int64_t first = 1;
  for (std::size_t k = 0; k <= edges_hz_.size() && first < bins; ++k) {
    std::int64_t last = bins;
    if (k < edges_hz_.size())
      last = std::clamp<std::int64_t>(
          std::llround(edges_hz_[k] / target_.sample_rate_hz() * static_cast<double>(fft_size_)), first + 1, bins);
    const auto band = at::constant_pad_nd(spectrum.slice(2, first, last), {first, bins - last});
    const auto heard = at::fft_irfft(band, fft_size_).slice(2, 0, frames_ * hop).to(at::kDouble);
    bands.push_back(heard.reshape({spectrum.size(0), spectrum.size(1), frames_, hop}).square().sum(3));
    first = last;
  }
  return at::stack(bands, 2);
}

/// Channel c of the wet sound beside channel min(c, I - 1) of the dry one.
at::Tensor MutualInformation::dry_rows(const at::Tensor& dry_spectrum, const at::Tensor& wet_like) const {
  const auto energy = envelopes(dry_spectrum);
  std::vector<at::Tensor> channels;
  for (std::int64_t c = 0; c < wet_like.size(1); ++c)
    channels.push_back(energy.select(1, std::min(c, energy.size(1) - 1)).expand({wet_like.size(0), -1, -1}));
  const auto all = at::stack(channels, 1);
  return (all + (kFloor * all.mean(3, true) + kNothing)).log10().flatten(0, 2);
}

at::Tensor MutualInformation::wet_rows(const at::Tensor& ir) const {
  return (envelopes(spectrum(ir)) + floor_).log10().flatten(0, 2);
}

void MutualInformation::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  const bool recorded = target.has("dry");
  at::Tensor dry = recorded ? target.get("dry").detach().to(ir.options()) : make_dry(ir);
  if (recorded && dry.size(-1) > ir.size(2)) dry = dry.slice(-1, dry.size(-1) - ir.size(2));  // less what ran in before
  const std::int64_t heard = recorded ? std::min(dry.size(-1), ir.size(2)) : dry.size(2);
  frames_ = heard / frame_samples();
  if (dry.dim() != 3 || (dry.size(0) != 1 && dry.size(0) != ir.size(0)) || frames_ < kFewestFrames)
    throw ContractError("mutual_information: the dry sound must be [1 or B, I, T] with at least " +
                        std::to_string(kFewestFrames) + " frames of " + std::to_string(frame_samples()) + " samples");
  const std::int64_t whole = recorded ? std::max(dry.size(2), ir.size(2)) : dry.size(2) + ir.size(2);
  fft_size_ = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(whole)));
  const auto dry_spectrum = at::fft_rfft(dry, fft_size_);
  dry_spectrum_ = recorded ? at::Tensor() : dry_spectrum;
  dry_ = dry_rows(dry_spectrum, ir);
  if (may_read_from_device() && (dry_.amax(1) - dry_.amin(1) < kLeastSwing).any().item<bool>())
    throw ContractError(
        "mutual_information: the dry sound is silent or its envelope constant in a band; it tells nothing");
  const auto energy = envelopes(spectrum(ir));
  floor_ = kFloor * energy.mean(3, true) + kNothing;
  const auto y = wet_rows(ir);
  mine_.emplace(critic_, y.size(0), frames_, ir.device());
  mine_->train(dry_, y, critic_steps_);
  target_information_ = mine_->information(dry_, y);
}

at::Tensor MutualInformation::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  const auto information = mine_->information(dry_, wet_rows(ir));
  const auto mean = towards_ == "least" ? information.mean() : (information - target_information_).abs().mean();
  return mean.to(ir.scalar_type());
}

}  // namespace

DIFFVERB_PART(losses, mutual_information, MutualInformation,
              "Difference of what the wet sound's envelope tells of the dry sound's, by MINE", "Belghazi et al. 2018")

}  // namespace diffverb
