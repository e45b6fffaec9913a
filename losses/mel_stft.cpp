#include <ATen/ops/matmul.h>

#include <algorithm>
#include <cmath>

#include "core/spectral/filter_bank.h"
#include "core/spectral/stft.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of specific loudness over perceptual bands and time.
///
///   L = mean_r ( mean_{b,c,k,m} |N_h - N_g| / mean_{b,c,k,m} N_g )
///   N = (E + floor)^exponent - floor^exponent,   floor = 10^(floor_db / 10) max E_g
///   E(m, k) = sum_f W(m, f) |STFT_r(f, k)|^2
///
/// h is the estimate, g the target, W triangular filters equally spaced in mel or ERB. Loudness grows as energy^0.3 or
/// so (Stevens; Zwicker's 0.23): 10 dB more are twice as loud, and what lies far below the loudest part of the target
/// counts little.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, share of the target's mean specific loudness; >= 0; silence has 1
/// Gradient finite everywhere
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or where
///          from_hz is at or above half the sample rate; ConfigError for a transform size that is odd or below 16, or
///          from_hz >= to_hz
/// Source   Zwicker and Fastl, Psychoacoustics; Glasberg and Moore 1990 (ERB); Moore, Glasberg and Baer 1997 (the power
///          law and its floor)
class MelStft final : public Loss {
 public:
  explicit MelStft(Fields& f) {
    f.optional("fft_sizes", fft_sizes_, between(16, 1 << 20), "samples");
    if (fft_sizes_.empty()) f.fail("fft_sizes", "expected at least one transform size");
    for (const auto size : fft_sizes_) {
      if (size % 2 != 0) f.fail("fft_sizes", "transform sizes must be even, got " + std::to_string(size));
    }
    f.optional("hop_ratio", hop_ratio_, Range{.min = 0, .max = 1, .min_open = true});
    f.choice("scale", scale_, {"mel", "erb"});
    f.optional("bands", bands_, between(2, 1024));
    f.optional("from_hz", from_hz_, at_least(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
    f.optional("exponent", exponent_, Range{.min = 0, .max = 1, .min_open = true});
    f.optional("floor_db", floor_db_, between(-200, -10), "dB");
    f.choice("padding", padding_, {"zero", "reflect"});
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  struct Resolution {
    std::int64_t fft_size, hop_size;
    double floor;
    at::Tensor filters;   // [M, F]
    at::Tensor loudness;  // [B, C, M, K]
    at::Tensor mean;      // scalar
  };
  at::Tensor energy(const at::Tensor& ir, const Resolution& r) const {
    return at::matmul(r.filters, power_spectrogram(ir, r.fft_size, r.hop_size, padding_of(padding_)));
  }
  at::Tensor loudness(const at::Tensor& energy, const Resolution& r) const {
    return (energy + r.floor).pow(exponent_) - std::pow(r.floor, exponent_);
  }

  std::vector<std::int64_t> fft_sizes_ = {512, 1024, 2048};
  double hop_ratio_ = 0.25, from_hz_ = 50, to_hz_ = 16000, exponent_ = 0.3, floor_db_ = -80;
  std::int64_t bands_ = 40;
  std::string scale_ = "mel", padding_ = "zero";
  CheckedTarget target_{"mel_stft"};
  std::vector<Resolution> resolutions_;
};

void MelStft::prepare(const Response& target) {
  resolutions_.clear();
  const at::Tensor& ir = target_.set_audible(target);
  const double rate_hz = target_.sample_rate_hz();
  for (const auto fft_size : fft_sizes_) {
    Resolution r;
    r.fft_size = fft_size;
    r.hop_size = std::max<std::int64_t>(1, std::llround(hop_ratio_ * static_cast<double>(fft_size)));
    const auto bank = triangular_filter_bank(frequency_scale_of(scale_), bands_, fft_size, rate_hz, from_hz_,
                                             std::min(to_hz_, rate_hz / 2));
    r.filters = bank.weights.to(ir.options());
    const auto target_energy = energy(ir, r);
    r.floor = target_energy.max().item<double>() * std::pow(10.0, floor_db_ / 10);
    if (!(r.floor > 0)) throw ContractError("mel_stft: the target has no energy between from_hz and to_hz");
    r.loudness = loudness(target_energy, r);
    r.mean = r.loudness.mean();
    resolutions_.push_back(std::move(r));
  }
}

at::Tensor MelStft::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  at::Tensor sum;
  for (const Resolution& r : resolutions_) {
    const auto term = (loudness(energy(ir, r), r) - r.loudness).abs().mean() / r.mean;
    sum = sum.defined() ? sum + term : term;
  }
  return sum / static_cast<double>(resolutions_.size());
}

}  // namespace

DIFFVERB_PART(losses, mel_stft, MelStft, "Difference of specific loudness over mel or ERB bands and time",
              "Zwicker and Fastl; Glasberg and Moore 1990; Moore et al. 1997")

}  // namespace diffverb
