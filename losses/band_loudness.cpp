#include "losses/band_loudness.h"

#include <ATen/ops/matmul.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/spectral/stft.h"

namespace diffverb {

BandLoudness::BandLoudness(const std::string& name, Fields& f) : name_(name), target_(name) {
  f.optional("fft_sizes", fft_sizes_, between(16, 1 << 20), "samples");
  if (fft_sizes_.empty()) f.fail("fft_sizes", "expected at least one transform size");
  for (const auto size : fft_sizes_) {
    if (size % 2 != 0) f.fail("fft_sizes", "transform sizes must be even, got " + std::to_string(size));
  }
  f.optional("hop_ratio", hop_ratio_, Range{.min = 0, .max = 1, .min_open = true});
  f.optional("bands", bands_, between(2, 1024));
  f.optional("from_hz", from_hz_, at_least(0), "Hz");
  f.optional("to_hz", to_hz_, above(0), "Hz");
  if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
  f.optional("exponent", exponent_, Range{.min = 0, .max = 1, .min_open = true});
  f.optional("floor_db", floor_db_, between(-200, -10), "dB");
  f.choice("padding", padding_, {"zero", "reflect"});
}

at::Tensor BandLoudness::energy(const at::Tensor& ir, const Resolution& r) const {
  return at::matmul(r.filters, power_spectrogram(ir, r.fft_size, r.hop_size, padding_of(padding_)));
}

at::Tensor BandLoudness::loudness(const at::Tensor& energy, const Resolution& r) const {
  return (energy + r.floor).pow(exponent_) - std::pow(r.floor, exponent_);
}

void BandLoudness::prepare(const Response& target) {
  resolutions_.clear();
  const at::Tensor& ir = target_.set_audible(target);
  const double rate_hz = target.sample_rate_hz(), to_hz = std::min(to_hz_, rate_hz / 2);
  if (from_hz_ >= to_hz)
    throw ContractError(name_ + ": from_hz = " + std::to_string(from_hz_) + " must be below half the sample rate");
  for (const auto fft_size : fft_sizes_) {
    Resolution r;
    r.fft_size = fft_size;
    r.hop_size = std::max<std::int64_t>(1, std::llround(hop_ratio_ * static_cast<double>(fft_size)));
    r.filters = filters(bands_, fft_size, rate_hz, from_hz_, to_hz).to(ir.options());
    const auto target_energy = energy(ir, r);
    r.floor = target_energy.max().item<double>() * std::pow(10.0, floor_db_ / 10);
    if (!(r.floor > 0)) throw ContractError(name_ + ": the target has no energy between from_hz and to_hz");
    r.loudness = loudness(target_energy, r);
    r.mean = r.loudness.mean();
    resolutions_.push_back(std::move(r));
  }
}

at::Tensor BandLoudness::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  at::Tensor sum;
  for (const Resolution& r : resolutions_) {
    const auto term = (loudness(energy(ir, r), r) - r.loudness).abs().mean() / r.mean;
    sum = sum.defined() ? sum + term : term;
  }
  return sum / static_cast<double>(resolutions_.size());
}

}  // namespace diffverb
