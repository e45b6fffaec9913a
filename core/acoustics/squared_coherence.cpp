#include "core/acoustics/squared_coherence.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <string>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "core/error.h"

namespace diffverb::acoustics {
namespace {

constexpr double kFrameSeconds = 4096.0 / 48000;
constexpr std::size_t kFewestFrames = 4;
constexpr double kHannOverlap = 1.0 / 36;  // squared correlation of neighbouring frames of noise
constexpr double kSilence = 1e-20;         // energy of a frame's band, of the loudest frame's

using Spectrum = std::vector<std::complex<double>>;

std::vector<Spectrum> frames_of(std::span<const double> signal, const RealFft& fft) {
  const std::size_t size = fft.size(), hop = size / 2;
  std::vector<double> window(size), frame(size);
  for (std::size_t n = 0; n < size; ++n)
    window[n] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size));
  std::vector<Spectrum> out;
  for (std::size_t from = 0; from + size <= signal.size(); from += hop) {
    for (std::size_t n = 0; n < size; ++n) frame[n] = window[n] * signal[from + n];
    out.push_back(fft(frame));
  }
  return out;
}

/// Energy of one band, frame by frame.
std::vector<double> energies(const std::vector<Spectrum>& frames, std::size_t first, std::size_t last) {
  std::vector<double> out;
  for (const Spectrum& frame : frames) {
    double sum = 0;
    for (std::size_t k = first; k < last; ++k) sum += std::norm(frame[k]);
    out.push_back(sum);
  }
  return out;
}

/// Mean over the bins; below 0 where too few frames sound.
double mean_coherence(const std::vector<Spectrum>& left, const std::vector<Spectrum>& right, std::size_t first,
                      std::size_t last) {
  const auto l_energy = energies(left, first, last), r_energy = energies(right, first, last);
  const double l_least = kSilence * *std::max_element(l_energy.begin(), l_energy.end());
  const double r_least = kSilence * *std::max_element(r_energy.begin(), r_energy.end());
  std::vector<std::size_t> sounding;
  for (std::size_t t = 0; t < left.size(); ++t) {
    if (l_energy[t] > l_least && r_energy[t] > r_least) sounding.push_back(t);
  }
  if (sounding.size() < kFewestFrames) return -1;
  double sum = 0;
  for (std::size_t k = first; k < last; ++k) {
    std::complex<double> cross = 0;
    double l_power = 0, r_power = 0;
    for (const std::size_t t : sounding) {
      cross += left[t][k] * std::conj(right[t][k]) / std::sqrt(l_energy[t] * r_energy[t]);
      l_power += std::norm(left[t][k]) / l_energy[t];
      r_power += std::norm(right[t][k]) / r_energy[t];
    }
    if (l_power > 0 && r_power > 0) sum += std::norm(cross) / (l_power * r_power);
  }
  const auto count = static_cast<double>(sounding.size());
  const double chance = (1 + 2 * kHannOverlap * (count - 1) / count) / count;
  return std::clamp((sum / static_cast<double>(last - first) - chance) / (1 - chance), 0.0, 1.0);
}

}  // namespace

std::vector<SquaredCoherence> measure_squared_coherence(std::span<const double> left, std::span<const double> right,
                                                        double rate_hz, double from_hz, double to_hz) {
  if (!(rate_hz > 0))
    throw ContractError("measure_squared_coherence: rate_hz must be positive, got " + std::to_string(rate_hz));
  if (left.size() != right.size()) {
    throw ContractError("measure_squared_coherence: both channels must be equally long, got " +
                        std::to_string(left.size()) + " and " + std::to_string(right.size()) + " samples");
  }
  const RealFft fft(fast_fft_length(static_cast<std::size_t>(std::max(64.0, kFrameSeconds * rate_hz))));
  const std::vector<Spectrum> l_frames = frames_of(left, fft), r_frames = frames_of(right, fft);
  std::vector<SquaredCoherence> out;
  if (l_frames.size() < kFewestFrames) return out;
  const double bin_hz = rate_hz / static_cast<double>(fft.size());
  for (const Band& band : make_bands(BandWidth::kThirdOctave, rate_hz, from_hz, to_hz)) {
    const auto first = static_cast<std::size_t>(std::ceil(band.low_hz / bin_hz));
    const auto last = std::min(l_frames[0].size(), static_cast<std::size_t>(std::ceil(band.high_hz / bin_hz)));
    if (first >= last) continue;
    const double value = mean_coherence(l_frames, r_frames, first, last);
    if (value >= 0) out.push_back({band.nominal_hz, value});
  }
  return out;
}

}  // namespace diffverb::acoustics
