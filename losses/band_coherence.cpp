#include "losses/band_coherence.h"

#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/real.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/triu.h>

#include <cmath>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/error.h"

namespace diffverb {

void BandCoherence::read(Fields& f, bool with_from_ms) {
  f.optional("from_hz", from_hz_, above(0), "Hz");
  f.optional("to_hz", to_hz_, above(0), "Hz");
  if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
  if (with_from_ms) f.optional("from_ms", from_ms_, at_least(0), "ms");
  f.optional("floor_db", floor_db_, between(-200, -10), "dB");
}

at::Tensor BandCoherence::cross_spectra(const at::Tensor& ir) const {
  const auto spectrum = at::fft_rfft(ir.slice(2, first_), fft_size_);
  std::vector<at::Tensor> products;
  for (const auto& band : bands_->split(spectrum)) products.push_back(at::matmul(band, band.mH()));
  return at::stack(products);
}

at::Tensor BandCoherence::normalised(const at::Tensor& spectra) const {
  const auto scale = (at::real(spectra.diagonal(0, 2, 3)) + floor_).rsqrt();
  return spectra * scale.unsqueeze(3) * scale.unsqueeze(2);
}

void BandCoherence::set_target(const at::Tensor& ir, double rate_hz) {
  first_ = std::llround(from_ms_ * 1e-3 * rate_hz);
  if (first_ >= ir.size(2)) throw ContractError(loss_ + ": the target ends before from_ms");
  fft_size_ = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(ir.size(2) - first_)));
  bands_.emplace(fft_size_, rate_hz, from_hz_, to_hz_);
  const auto energy = at::real(cross_spectra(ir).diagonal(0, 2, 3));
  // A band in which a channel of the target is silent is measured against the channel's strongest one.
  floor_ = at::maximum(energy, energy.amax(0, true) * 1e-12) * std::pow(10.0, floor_db_ / 10);
  if (!(floor_ > 0).all().item<bool>())
    throw ContractError(loss_ + ": a channel of the target is silent after from_ms between from_hz and to_hz");
}

at::Tensor BandCoherence::operator()(const at::Tensor& ir) const { return normalised(cross_spectra(ir)); }

at::Tensor mean_over_pairs(const at::Tensor& values) {
  const std::int64_t channels = values.size(-1);
  const auto pairs = static_cast<double>(channels * (channels - 1) / 2);
  const auto others = static_cast<double>(values.numel() / (channels * channels));
  return at::triu(values, 1).sum() / (pairs * others);
}

}  // namespace diffverb
