#include "losses/octave_cells.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <span>
#include <string>

#include "core/acoustics/decay.h"
#include "core/acoustics/fft.h"
#include "core/acoustics/preparation.h"
#include "core/error.h"

namespace diffverb {
namespace {

/// A filter rings for some cycles of its band; what came round to the beginning would be an echo before the onset.
constexpr double kRingingCycles = 6;

}  // namespace

OctaveCells::OctaveCells(const std::string& loss, const at::Tensor& target, double rate_hz, double from_hz,
                         double to_hz)
    : rate_hz_(rate_hz), octaves_(acoustics::make_bands(acoustics::BandWidth::kOctave, rate_hz, from_hz, to_hz)) {
  if (octaves_.empty())
    throw ContractError(loss + ": no octave lies between " + std::to_string(from_hz) + " and " + std::to_string(to_hz) +
                        " Hz at a rate of " + std::to_string(rate_hz) + " Hz");
  cell_ = std::max<std::int64_t>(1, std::llround(kCellSeconds * rate_hz));
  cells_ = (target.size(2) + cell_ - 1) / cell_;
  if (cells_ < 2) throw ContractError(loss + ": the response must be longer than 1 ms");
  const auto ringing = static_cast<std::int64_t>(kRingingCycles * rate_hz / octaves_.front().hz);
  fft_size_ = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(cells_ * cell_ + ringing)));
  filters_ = at::zeros({static_cast<std::int64_t>(octaves_.size()), fft_size_ / 2 + 1}, at::kComplexDouble);
  auto* out = filters_.mutable_data_ptr<c10::complex<double>>();
  for (const acoustics::Band& octave : octaves_) {
    const acoustics::Sections filter = acoustics::band_filter(octave, rate_hz);
    for (std::int64_t k = 0; k <= fft_size_ / 2; ++k)
      *out++ =
          acoustics::response_at(filter, rate_hz * static_cast<double>(k) / static_cast<double>(fft_size_), rate_hz);
  }
  filters_ = filters_.to(target.device(), c10::toComplexType(target.scalar_type()));
}

at::Tensor OctaveCells::energy(const at::Tensor& ir) const {
  const auto spectrum = at::fft_rfft(ir, fft_size_).unsqueeze(2);  // [B, C, 1, F]
  const auto filtered = at::fft_irfft(spectrum * filters_, fft_size_).slice(-1, 0, cells_ * cell_);
  const auto octaves = static_cast<std::int64_t>(octaves_.size());
  return filtered.reshape({ir.size(0), ir.size(1) * octaves, cells_, cell_}).square().sum(-1);
}

at::Tensor OctaveCells::share_before(const at::Tensor& time_s) const {
  const double cell_s = static_cast<double>(cell_) / rate_hz_;
  return (time_s / cell_s - at::arange(cells_, time_s.options())).clamp(0, 1);
}

KnownCells OctaveCells::known(const at::Tensor& target) const {
  const auto rows = target.detach().to(at::kCPU, at::kDouble).flatten(0, 1).contiguous();
  const auto octaves = static_cast<std::int64_t>(octaves_.size());
  auto known = at::zeros({rows.size(0) * octaves, cells_}, at::kDouble);
  std::vector<double> tails, begins;
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    const std::span<const double> row(rows.const_data_ptr<double>() + r * rows.size(1),
                                      static_cast<std::size_t>(rows.size(1)));
    const acoustics::Extent extent = acoustics::find_extent(row, rate_hz_);
    const auto onset = static_cast<std::int64_t>(extent.onset);
    for (std::int64_t o = 0; o < octaves; ++o) {
      const acoustics::Band& octave = octaves_[static_cast<std::size_t>(o)];
      const acoustics::Sections filter = acoustics::band_filter(octave, rate_hz_);
      const auto filtered = acoustics::apply_filter(filter, row.subspan(extent.onset, extent.end - extent.onset));
      const auto decay = acoustics::measure_decay(filtered, rate_hz_, octave.hz);
      const std::size_t end = decay.energy.empty() ? 0 : std::min(decay.floor.truncation_samples, filtered.size());
      const std::int64_t cells = end > 0 ? (onset + static_cast<std::int64_t>(end)) / cell_ : 0;
      known[r * octaves + o].slice(0, 0, std::min(cells, cells_)).fill_(1);
      double energy = 0;
      for (std::size_t i = 0; i < end; ++i) energy += filtered[i] * filtered[i];
      tails.push_back(energy > 0 ? decay.tail / energy : 0);
      begins.push_back(static_cast<double>(onset) / rate_hz_ + acoustics::group_delay_s(filter, octave.hz, rate_hz_));
    }
  }
  const auto shaped = [&](const at::Tensor& values) {
    return values.reshape({target.size(0), target.size(1) * octaves, -1}).to(target.device(), target.scalar_type());
  };
  return {shaped(known), shaped(at::tensor(tails, at::kDouble)), shaped(at::tensor(begins, at::kDouble))};
}

}  // namespace diffverb
