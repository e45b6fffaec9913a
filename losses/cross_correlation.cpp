#include "losses/cross_correlation.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "core/error.h"

namespace diffverb {
namespace {

namespace ac = acoustics;

constexpr double kEndMs = 1000, kLagMs = 1;

std::int64_t fast_length(std::int64_t at_least) {
  return static_cast<std::int64_t>(ac::fast_fft_length(static_cast<std::size_t>(at_least)));
}

/// The filters of the octaves at the bins of a transform: [O, F] complex128; undefined where the rate has none.
at::Tensor octave_filters(std::int64_t fft_size, double rate_hz) {
  std::vector<at::Tensor> filters;
  for (const ac::Band& band : ac::make_bands(ac::BandWidth::kOctave, rate_hz, 500, 2000)) {
    const auto sections = ac::band_filter(band, rate_hz);
    std::vector<double> real, imaginary;
    for (std::int64_t k = 0; k <= fft_size / 2; ++k) {
      const auto h =
          ac::response_at(sections, rate_hz * static_cast<double>(k) / static_cast<double>(fft_size), rate_hz);
      real.push_back(h.real());
      imaginary.push_back(h.imag());
    }
    filters.push_back(at::complex(at::tensor(real, at::kDouble), at::tensor(imaginary, at::kDouble)));
  }
  return filters.empty() ? at::Tensor() : at::stack(filters);
}

}  // namespace

std::int64_t CrossCorrelation::samples(double ms) const { return std::llround(ms * 1e-3 * rate_hz_); }

at::Tensor CrossCorrelation::octaves(const at::Tensor& ir) const {
  const auto heard = ir.slice(2, 0, samples(kEndMs));
  return at::fft_irfft(at::fft_rfft(heard, fft_size_).unsqueeze(0) * filters_, fft_size_).slice(3, 0, heard.size(2));
}

at::Tensor CrossCorrelation::part_of(const at::Tensor& octaves, std::size_t part) const {
  return part == 0 ? octaves.slice(3, 0, samples(kSplitMs)) : octaves.slice(3, samples(kSplitMs));
}

void CrossCorrelation::set_target(const at::Tensor& ir, double rate_hz, const std::string& loss) {
  constexpr double kRingMs = 100;  // of the lowest octave's filter, so that its end does not come round
  rate_hz_ = rate_hz;
  if (ir.size(2) <= samples(kSplitMs)) throw ContractError(loss + ": the target ends before 80 ms");
  fft_size_ = fast_length(std::min(ir.size(2), samples(kEndMs)) + samples(kRingMs));
  const auto filters = octave_filters(fft_size_, rate_hz);
  if (!filters.defined()) throw ContractError(loss + ": the sample rate leaves no octave of 500 to 2000 Hz");
  filters_ = filters.unsqueeze(1).unsqueeze(1).to(ir.device(), c10::toComplexType(ir.scalar_type()));
  const auto bands = octaves(ir);
  const auto whole = bands.square().sum(3);  // what is silent early or late is measured against it
  floor_.clear();
  for (std::size_t p = 0; p < 2; ++p) floor_.push_back((part_of(bands, p).square().sum(3) + whole * 1e-6) * 1e-8);
}

at::Tensor CrossCorrelation::correlations(const at::Tensor& heard, const at::Tensor& floor) const {
  const std::int64_t channels = heard.size(2), lag = samples(kLagMs), size = fast_length(heard.size(3) + lag);
  const auto spectra = at::fft_rfft(heard, size);
  const auto scale = (heard.square().sum(3) + floor).rsqrt();
  std::vector<at::Tensor> pairs;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t d = c + 1; d < channels; ++d) {
      const auto sums = at::fft_irfft(spectra.select(2, c).conj() * spectra.select(2, d), size);
      const auto near = at::cat({sums.slice(2, 0, lag + 1), sums.slice(2, size - lag)}, 2);
      pairs.push_back(near.abs().amax(2) * scale.select(2, c) * scale.select(2, d));
    }
  }
  return at::stack(pairs, -1);
}

at::Tensor CrossCorrelation::operator()(const at::Tensor& ir) const {
  const auto bands = octaves(ir);
  return at::stack({correlations(part_of(bands, 0), floor_[0]), correlations(part_of(bands, 1), floor_[1])});
}

}  // namespace diffverb
