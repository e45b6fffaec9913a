#include "models/late_shape.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/acoustics/filters.h"
#include "core/filters/peaking.h"

namespace diffverb {
namespace {

constexpr double kBottomHz = 15.0;      // of the output's high-pass
constexpr double kHighestShare = 0.46;  // of the sample rate: the equaliser's bands lie below

std::int64_t next_fast_size(std::int64_t at_least) {
  std::int64_t best = 1;
  while (best < at_least) best *= 2;
  for (std::int64_t size = 1; size < best; size *= 2) {
    for (const std::int64_t factor : {3, 5, 9, 15}) {
      if (size * factor >= at_least) best = std::min(best, size * factor);
    }
  }
  return best + best % 2;
}

}  // namespace

LateShape::LateShape(Fields& f) {
  f.optional("early_ms", early_ms_, between(0, 80), "ms");
  f.optional("crossfade_ms", crossfade_ms_, between(0, 40), "ms");
  f.optional("output_q", output_q_, inside(0.1, 20));
}

const std::vector<double>& LateShape::start(double sample_rate_hz) {
  rate_hz_ = sample_rate_hz;
  eq_hz_ = third_octave_centres(20, 96000, rate_hz_, kHighestShare);
  return eq_hz_;
}

void LateShape::design(const at::Tensor& ir, const RoomDesign& room) {
  channels_ = ir.size(0);
  const double early_s = early_ms_ / 1000;
  samples_ = std::min<std::int64_t>(static_cast<std::int64_t>(std::ceil(room.length_s * rate_hz_)),
                                    std::max<std::int64_t>(ir.size(1), 1));
  const auto early = static_cast<std::int64_t>(early_s * rate_hz_);
  samples_ = std::max(samples_, early + static_cast<std::int64_t>(0.05 * rate_hz_));
  fft_size_ = next_fast_size(samples_ + static_cast<std::int64_t>(0.05 * rate_hz_));
  target_ = at::zeros({channels_, samples_});
  const std::int64_t kept = std::min<std::int64_t>(samples_, ir.size(1));
  target_.slice(1, 0, kept).copy_(ir.slice(1, 0, kept));

  window_ = at::zeros({samples_});
  const auto fade = std::min(early, static_cast<std::int64_t>(crossfade_ms_ / 1000 * rate_hz_));
  auto* w = window_.data_ptr<float>();
  for (std::int64_t n = 0; n < early; ++n) {
    const double x = fade > 0 ? std::clamp(static_cast<double>(early - n) / static_cast<double>(fade), 0.0, 1.0) : 1.0;
    w[n] = static_cast<float>(0.5 - 0.5 * std::cos(std::numbers::pi * x));
  }
  omega_ = at::arange(fft_size_ / 2 + 1, at::kDouble) * (2 * std::numbers::pi / static_cast<double>(fft_size_));
  eq_db_ = at::zeros({channels_, static_cast<std::int64_t>(eq_hz_.size())}, at::kDouble).set_requires_grad(true);
}

void LateShape::start_levels(const RoomDesign& room, const std::function<at::Tensor()>& plain,
                             const std::function<void(std::int64_t, double)>& scale_output) {
  const at::NoGradGuard no_grad;
  const auto late = 1 - window_;
  const auto bands = static_cast<std::int64_t>(eq_hz_.size());
  const auto target = room.late_energy;
  for (std::int64_t c = 0; c < channels_;
       ++c) {  // bands that cannot be measured take their neighbour's correction below
    for (int pass = 0; pass < 6; ++pass) {
      const auto raw = at::fft_irfft(at::fft_rfft(equalise(plain())[c] * late, fft_size_));
      const auto spectrum = at::fft_rfft(raw, fft_size_);
      const at::Tensor power = spectrum.abs().square().to(at::kDouble);
      std::vector<double> correction(bands, std::numeric_limits<double>::quiet_NaN());
      for (std::int64_t k = 0; k < bands; ++k) {
        const double wanted = target[c][k].item<double>();
        if (!(wanted > 0)) continue;
        const acoustics::Band band{eq_hz_[k], eq_hz_[k] * std::exp2(-1.0 / 6), eq_hz_[k] * std::exp2(1.0 / 6),
                                   eq_hz_[k]};
        if (band.high_hz > 0.98 * rate_hz_ / 2) continue;
        const auto first = static_cast<std::int64_t>(band.low_hz / rate_hz_ * static_cast<double>(fft_size_));
        const auto last = std::max(
            first + 1, static_cast<std::int64_t>(band.high_hz / rate_hz_ * static_cast<double>(fft_size_)) + 1);
        const double have = 2 * power.slice(0, first, last).sum().item<double>() / static_cast<double>(fft_size_);
        correction[k] = 10 * std::log10(wanted / std::max(have, 1e-30));
      }
      double previous = std::numeric_limits<double>::quiet_NaN();
      for (std::int64_t k = 0; k < bands; ++k)
        previous = std::isnan(correction[k]) ? (correction[k] = previous) : correction[k];
      for (std::int64_t k = bands - 1; k >= 0; --k)
        previous = std::isnan(correction[k]) ? (correction[k] = previous) : correction[k];
      if (pass == 0) {  // the common level goes into the output gains; the equaliser only shapes
        std::vector<double> sorted(correction);
        std::nth_element(sorted.begin(), sorted.begin() + bands / 2, sorted.end());
        scale_output(c, std::pow(10.0, sorted[bands / 2] / 20));
        for (double& value : correction) value -= sorted[bands / 2];
      }
      for (std::int64_t k = 0; k < bands; ++k) {
        const double updated = eq_db_[c][k].item<double>() + (pass == 0 ? 0.7 : 0.5) * correction[k];
        eq_db_[c][k] = std::clamp(updated, -40.0, 40.0);
      }
    }
  }
}

void LateShape::move_to(at::Device device) {
  eq_db_.set_data(eq_db_.detach().to(device));
  for (at::Tensor* constant : {&target_, &window_, &omega_}) *constant = constant->to(device);
}

at::Tensor LateShape::output_sos() const {
  // Peaking sections leave 0 Hz as it is; a measured response has next to nothing there, a network as much as anywhere.
  const auto bottom = high_pass_sos(kBottomHz, rate_hz_, eq_db_.device()).reshape({1, 1, 5}).expand({channels_, 1, 5});
  // The highest band is a shelf: nothing else would hold what lies between it and half the rate.
  const std::int64_t top = static_cast<std::int64_t>(eq_hz_.size()) - 1;
  const auto shelf = high_shelf_sos(eq_db_.select(1, top), eq_hz_.back() * std::exp2(-1.0 / 6), rate_hz_).unsqueeze(1);
  return at::cat(
      {bottom, peaking_sos(eq_db_.slice(1, 0, top), {eq_hz_.begin(), eq_hz_.end() - 1}, output_q_, rate_hz_), shelf},
      1);
}

at::Tensor LateShape::equalise(const at::Tensor& plain) const {
  const auto equaliser = cascade_response(output_sos(), omega_, at::kFloat, /*is_sound=*/true);
  return at::fft_irfft(at::fft_rfft(plain, fft_size_) * equaliser, fft_size_).slice(1, 0, samples_);
}

at::Tensor LateShape::with_early_part(const at::Tensor& h) const { return h + window_ * (target_ - h); }

at::Tensor LateShape::early_part(const at::Tensor& h) const {
  const auto early = static_cast<std::int64_t>(early_ms_ / 1000 * rate_hz_);
  return (window_ * (target_ - h)).slice(1, 0, early).contiguous();
}

}  // namespace diffverb
