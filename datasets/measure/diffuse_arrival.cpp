#include "datasets/measure/diffuse_arrival.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"

namespace diffverb {
namespace {

constexpr double kStep_s = 0.01;
constexpr std::int64_t kSteps = 5;    // of a stretch before and behind an arrival
constexpr double kRise = 3;           // of the energy, where an octave begins
constexpr double kShareRising = 0.6;  // of the octaves
constexpr double kDivision = 1e-2;    // epsilon of the division, of the octave's mean power
constexpr double kNarrowest = 1.2;    // of what the sweep's range leaves of an octave, as a ratio of frequencies

/// The energy of one octave's response in steps, [B]; no less than the median, so that silence is no rise.
at::Tensor energies_of(const at::Tensor& played, const at::Tensor& heard, std::int64_t fft_size, std::int64_t step,
                       std::int64_t from, std::int64_t to) {
  const auto x = played.slice(0, from, to), y = heard.slice(0, from, to);
  const auto power = x.abs().square();
  auto response = at::zeros_like(heard);
  response.slice(0, from, to).copy_(y * x.conj() / (power + kDivision * power.mean()));
  const auto energies = at::fft_irfft(response, fft_size).unfold(0, step, step).square().sum(1);
  return at::maximum(energies, energies.median());
}

}  // namespace

std::optional<std::int64_t> find_diffuse_arrival(const at::Tensor& recorded, const Sweep& sweep) {
  if (sweep.periodic()) return {};
  const at::NoGradGuard no_grad;
  const auto sound = sweep.sound();
  const auto fft_size =
      static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(sound.size(0) + recorded.size(0))));
  const auto played = at::fft_rfft(sound, fft_size), heard = at::fft_rfft(recorded, fft_size);
  const std::int64_t step = std::llround(kStep_s * sweep.rate_hz), steps = fft_size / step;
  auto rise = at::zeros({steps}, at::kDouble), rising = at::zeros({steps}, at::kDouble);
  double octaves = 0;
  for (const auto& band : acoustics::make_bands(acoustics::BandWidth::kOctave, sweep.rate_hz, 31.5, 16000)) {
    const double low_hz = std::max(band.low_hz, sweep.low_hz), high_hz = std::min(band.high_hz, sweep.high_hz);
    if (high_hz < kNarrowest * low_hz) continue;
    const auto bin = [&](double hz) { return std::llround(hz * static_cast<double>(fft_size) / sweep.rate_hz); };
    const auto energies = energies_of(played, heard, fft_size, step, bin(low_hz), bin(high_hz));
    const auto sums = at::cat({energies.slice(0, steps - kSteps), energies, energies.slice(0, 0, kSteps)})
                          .unfold(0, kSteps, 1)
                          .sum(1);
    const auto before = sums.slice(0, 0, steps), after = sums.slice(0, kSteps, kSteps + steps);
    rise += (after - before) / energies.sum();
    rising += after > kRise * before;
    octaves += 1;
  }
  rise = at::where(rising >= kShareRising * octaves, rise, at::zeros_like(rise));
  if (octaves == 0 || !(rise.max().item<double>() > 0)) return {};
  const std::int64_t lag = (rise.argmax().item<std::int64_t>() - 1) * step;
  return lag < recorded.size(0) ? lag : lag - fft_size;
}

}  // namespace diffverb
