#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/real.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/triu.h>

#include <cmath>
#include <optional>
#include <utility>

#include "core/acoustics/fft.h"
#include "core/spectral/filter_bank.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of the coherence between channels, by third octaves.
///
///   L = mean_{b,k,c<d} | q(gamma_h) - q(gamma_g) |
///   gamma_cd(k) = sum_{f in band k} X_c conj X_d / sqrt((E_c + floor) (E_d + floor)),   E_c = sum_{f in band k}
///   |X_c|^2 q(z) = z  with of: complex;   |z|  with of: magnitude;   Re z  with of: real
///
/// h is the estimate, g the target, X the Fourier transform of the response from from_ms on, floor = 10^(floor_db / 10)
/// of the target's E_c in that band. gamma is 1 for equal channels, 0 for unrelated ones; the complex difference is
/// never less than the other two. With one channel there is nothing to compare: L is 0 and so is its gradient.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit, 0..2
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent or ends
///          before from_ms, or where no third octave of the range holds a bin (T too short); ConfigError where from_hz
///          >= to_hz
/// Source   coherence in bands as core/acoustics/binaural.h measures it; ISO 3382-1 Annex B for its use
class Coherence final : public Loss {
 public:
  explicit Coherence(Fields& f) {
    f.choice("of", of_, {"complex", "magnitude", "real"});
    f.optional("from_hz", from_hz_, above(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
    f.optional("from_ms", from_ms_, at_least(0), "ms");
    f.optional("floor_db", floor_db_, between(-200, -10), "dB");
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  at::Tensor cross_spectra(const at::Tensor& ir) const;    // [K, B, C, C] complex
  at::Tensor coherences(const at::Tensor& spectra) const;  // [K, B, C, C] complex

  std::string of_ = "complex";
  double from_hz_ = 125, to_hz_ = 8000, from_ms_ = 0, floor_db_ = -80;
  CheckedTarget target_{"coherence"};
  std::int64_t first_ = 0, fft_size_ = 0;
  std::optional<ThirdOctaveBins> bands_;
  at::Tensor floor_;      // [K, B, C]
  at::Tensor coherence_;  // [K, B, C, C]
  at::Tensor pairs_;      // [C, C], 1 above the diagonal
};

at::Tensor Coherence::cross_spectra(const at::Tensor& ir) const {
  const auto spectrum = at::fft_rfft(ir.slice(2, first_), fft_size_);
  std::vector<at::Tensor> products;
  for (const auto& band : bands_->split(spectrum)) products.push_back(at::matmul(band, band.mH()));
  return at::stack(products);
}

at::Tensor Coherence::coherences(const at::Tensor& spectra) const {
  const auto scale = (at::real(spectra.diagonal(0, 2, 3)) + floor_).rsqrt();
  return spectra * scale.unsqueeze(3) * scale.unsqueeze(2);
}

void Coherence::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  const std::int64_t channels = ir.size(1);
  first_ = std::llround(from_ms_ * 1e-3 * target_.sample_rate_hz());
  if (first_ >= ir.size(2)) throw ContractError("coherence: the target ends before from_ms");
  if (channels == 1) return;
  fft_size_ = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(ir.size(2) - first_)));
  bands_.emplace(fft_size_, target_.sample_rate_hz(), from_hz_, to_hz_);
  const auto spectra = cross_spectra(ir);
  const auto energy = at::real(spectra.diagonal(0, 2, 3));
  // A band in which a channel of the target is silent is measured against the channel's strongest one.
  floor_ = at::maximum(energy, energy.amax(0, true) * 1e-12) * std::pow(10.0, floor_db_ / 10);
  if (!(floor_ > 0).all().item<bool>())
    throw ContractError("coherence: a channel of the target is silent after from_ms between from_hz and to_hz");
  coherence_ = coherences(spectra);
  pairs_ = at::triu(at::ones({channels, channels}, ir.options()), 1);
}

at::Tensor Coherence::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  if (ir.size(1) == 1) return ir.sum() * 0;
  const auto estimate = coherences(cross_spectra(ir));
  at::Tensor difference;
  if (of_ == "complex") {
    difference = (estimate - coherence_).abs();
  } else if (of_ == "magnitude") {
    difference = (estimate.abs() - coherence_.abs()).abs();
  } else {
    difference = at::real(estimate - coherence_).abs();
  }
  const auto channels = static_cast<double>(ir.size(1));
  const double count = channels * (channels - 1) / 2 * static_cast<double>(difference.size(0) * difference.size(1));
  return (difference * pairs_).sum() / count;
}

}  // namespace

DIFFVERB_PART(losses, coherence, Coherence, "Difference of the coherence between channels by third octaves",
              "ISO 3382-1 Annex B")

}  // namespace diffverb
