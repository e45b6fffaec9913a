#include "runtime/resampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr int kPlaces = 128;        // of the kernel's table a sample; cubic between them is good to 1e-8
constexpr double kStopBand = 1e-6;  // what counts as the floor of the kernel's spectrum

/// I0(x), the modified Bessel function of the first kind.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

/// A sound with silence around it, so that a filter may reach beyond both ends.
struct Padded {
  Padded(std::span<const float> sound, std::size_t ahead, std::size_t behind)
      : before(ahead), values(ahead + sound.size() + behind, 0.0f) {
    std::copy(sound.begin(), sound.end(), values.begin() + static_cast<std::ptrdiff_t>(ahead));
  }
  std::size_t before;
  std::vector<float> values;
};

/// Band-limited interpolation from one rate to another, both ways from a place.
class Interpolation {
 public:
  Interpolation(double from_hz, double to_hz, const RateSlope& slope = {})
      : slope_(slope),
        scale_(1 / bessel(slope.beta)),
        step_(from_hz / to_hz),
        low_(std::min(1.0, 1 / step_)),
        reach_(slope.half_width / low_),
        half_(static_cast<std::size_t>(std::ceil(reach_)) + 1),
        taps_((2 * half_ + kLanes - 1) / kLanes * kLanes),
        // A kernel stretched by a lower rate is as smooth between fewer places.
        places_(std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(kPlaces * low_)))) {
    rows_.resize((places_ + 3) * taps_);
    for (std::size_t row = 0; row < places_ + 3; ++row) {
      const double share = (static_cast<double>(row) - 1) / static_cast<double>(places_);
      for (std::size_t k = 0; k < 2 * half_; ++k)
        rows_[row * taps_ + k] =
            static_cast<float>(kernel(static_cast<double>(k) - static_cast<double>(half_) + 1 - share));
    }
  }

  double reach_samples() const { return reach_; }  // of the old rate, on each side
  /// In samples of the new rate, on each side.
  std::ptrdiff_t reach() const { return static_cast<std::ptrdiff_t>(std::ceil(reach_ / step_)); }

  /// A sound that at() can read at the new rate's samples first .. end - 1.
  Padded padded(std::span<const float> sound, std::ptrdiff_t first, std::size_t end) const {
    const auto ahead = static_cast<std::size_t>(std::ceil(std::max(0.0, -static_cast<double>(first) * step_)));
    const auto last = static_cast<std::size_t>(std::ceil(static_cast<double>(end) * step_));
    return {sound, half_ + ahead, taps_ + 1 + (last > sound.size() ? last - sound.size() : 0)};
  }

  /// The kernel at a distance in samples of the old rate.
  double kernel(double distance) const {
    const double share = distance / reach_, phase = std::numbers::pi * slope_.cutoff * low_ * distance;
    if (std::abs(share) >= 1) return 0;
    return slope_.cutoff * low_ * (phase == 0 ? 1 : std::sin(phase) / phase) *
           bessel(slope_.beta * std::sqrt(1 - share * share)) * scale_;
  }

  /// The sound at the new rate's sample n, which may lie before its first.
  double at(const Padded& sound, std::ptrdiff_t n) const {
    const double place = static_cast<double>(n) * step_, whole = std::floor(place);
    const double point = (place - whole) * static_cast<double>(places_);
    const std::size_t row = std::min(static_cast<std::size_t>(point), places_ - 1);
    const std::array<float, 4> weights = cubic(point - static_cast<double>(row));
    const float* kernel = rows_.data() + row * taps_;
    const float* x = sound.values.data() + static_cast<std::ptrdiff_t>(sound.before) +
                     static_cast<std::ptrdiff_t>(whole) + 1 - static_cast<std::ptrdiff_t>(half_);
    std::array<float, kLanes> sums{};
    for (std::size_t k = 0; k < taps_; k += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const float* tap = kernel + k + lane;
        sums[lane] += x[k + lane] * (weights[0] * tap[0] + weights[1] * tap[taps_] + weights[2] * tap[2 * taps_] +
                                     weights[3] * tap[3 * taps_]);
      }
    }
    double sum = 0;
    for (const float value : sums) sum += static_cast<double>(value);
    return sum;
  }

 private:
  static constexpr std::size_t kLanes = 16;  // added up apart, so that they can be at once

  /// Lagrange's weights of the points -1, 0, 1, 2.
  static std::array<float, 4> cubic(double x) {
    return {static_cast<float>(-x * (x - 1) * (x - 2) / 6), static_cast<float>((x * x - 1) * (x - 2) / 2),
            static_cast<float>(-x * (x + 1) * (x - 2) / 2), static_cast<float>(x * (x * x - 1) / 6)};
  }

  RateSlope slope_;
  double scale_;               // of the window
  double step_, low_, reach_;  // low_: the lower rate in samples of the old one
  std::size_t half_, taps_, places_;
  std::vector<float> rows_;  // [places_ + 3, taps_] the kernel from a share of a sample on, one place before 0 first
};

std::size_t length_at(std::size_t size, double from_hz, double to_hz) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(size) * to_hz / from_hz - 1e-9));
}

/// The spectrum of the filter that has the kernel's magnitude and the least phase, at all bins of a transform at the higher
/// of the two rates; `step`: one of its samples in samples of the old rate.
/// Source: Oppenheim & Schafer, Discrete-Time Signal Processing, chapter 13 (the real cepstrum).
std::vector<std::complex<double>> least_phase(const Interpolation& interpolation, double step, std::size_t bins) {
  std::vector<std::complex<double>> values(bins, 0.0);
  const auto reach = static_cast<std::ptrdiff_t>(std::ceil(interpolation.reach_samples() / step));
  double gain = 0;
  for (std::ptrdiff_t n = -reach; n <= reach; ++n) {
    const double tap = interpolation.kernel(static_cast<double>(n) * step);
    values[static_cast<std::size_t>(n + static_cast<std::ptrdiff_t>(bins)) % bins] += tap;
    gain += tap;
  }
  transform(values, false);
  for (auto& value : values) value = std::log(std::max(std::abs(value.real()) / gain, kStopBand));
  transform(values, true);
  for (std::size_t i = 0; i < bins; ++i) {
    const double fold = i == 0 || i == bins / 2 ? 1 : i < bins / 2 ? 2 : 0;
    values[i] = values[i].real() * fold / static_cast<double>(bins);
  }
  transform(values, false);
  for (auto& value : values) value = std::exp(value);
  return values;
}

std::size_t bins_for(std::ptrdiff_t samples) {
  std::size_t bins = 1;
  while (static_cast<std::ptrdiff_t>(bins) < samples) bins *= 2;
  return bins;
}

/// Responses at a lower rate: band-limited with the least phase at the old rate, then read at the new one's places.
class Lowering {
 public:
  Lowering(const Interpolation& interpolation, std::size_t length)
      : interpolation_(interpolation),
        length_(length + static_cast<std::size_t>(2 * interpolation.reach_samples())),
        filter_(least_phase(interpolation, 1, bins_for(static_cast<std::ptrdiff_t>(2 * length_)))) {}

  void lower(std::span<const float> response, std::size_t samples, double scale, std::vector<float>& out) const {
    std::vector<std::complex<double>> values(filter_.size(), 0.0);
    std::copy(response.begin(), response.end(), values.begin());
    transform(values, false);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= filter_[i];
    transform(values, true);
    std::vector<float> limited(length_);
    for (std::size_t n = 0; n < length_; ++n)
      limited[n] = static_cast<float>(values[n].real() / static_cast<double>(values.size()));
    const Padded padded = interpolation_.padded(limited, 0, samples);
    for (std::size_t n = 0; n < samples; ++n)
      out.push_back(static_cast<float>(interpolation_.at(padded, static_cast<std::ptrdiff_t>(n)) * scale));
  }

 private:
  const Interpolation& interpolation_;
  std::size_t length_;
  std::vector<std::complex<double>> filter_;
};

/// At a higher rate: read at the new places, from before the first sample on, then given the least phase.
class Raising {
 public:
  Raising(const Interpolation& interpolation, double step, std::size_t samples)
      : interpolation_(interpolation),
        end_(static_cast<std::ptrdiff_t>(samples) + interpolation.reach()),
        // What rings on does not come round.
        phase_(least_phase(interpolation, step, bins_for(end_ + 3 * interpolation.reach()))) {
    for (auto& value : phase_) value /= std::abs(value);
  }

  void raise(std::span<const float> response, std::size_t samples, double scale, std::vector<float>& out) const {
    const std::size_t bins = phase_.size();
    std::vector<std::complex<double>> values(bins, 0.0);
    const Padded padded = interpolation_.padded(response, -interpolation_.reach(), static_cast<std::size_t>(end_));
    for (std::ptrdiff_t n = -interpolation_.reach(); n < end_; ++n)
      values[static_cast<std::size_t>(n + static_cast<std::ptrdiff_t>(bins)) % bins] = interpolation_.at(padded, n);
    transform(values, false);
    for (std::size_t i = 0; i < bins; ++i) values[i] *= phase_[i];
    transform(values, true);
    for (std::size_t n = 0; n < samples; ++n)
      out.push_back(static_cast<float>(values[n].real() * scale / static_cast<double>(bins)));
  }

 private:
  const Interpolation& interpolation_;
  std::ptrdiff_t end_;
  std::vector<std::complex<double>> phase_;
};

}  // namespace

std::vector<float> resample(std::span<const float> sound, double from_hz, double to_hz, const RateSlope& slope) {
  if (from_hz == to_hz) return {sound.begin(), sound.end()};
  const Interpolation interpolation(from_hz, to_hz, slope);
  std::vector<float> out(length_at(sound.size(), from_hz, to_hz));
  const Padded padded = interpolation.padded(sound, 0, out.size());
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<float>(interpolation.at(padded, static_cast<std::ptrdiff_t>(n)));
  return out;
}

std::vector<float> resample_responses(std::span<const float> rows, std::size_t length, double from_hz, double to_hz,
                                      std::size_t more) {
  if (from_hz == to_hz || length == 0) return {rows.begin(), rows.end()};
  const Interpolation interpolation(from_hz, to_hz);
  const auto ringing = static_cast<std::size_t>(static_cast<double>(more) * std::max(1.0, to_hz / from_hz));
  const std::size_t samples = length_at(length, from_hz, to_hz) + ringing, count = rows.size() / length;
  const double scale = from_hz / to_hz;
  std::vector<float> out;
  out.reserve(count * samples);
  if (to_hz < from_hz) {
    const Lowering lowering(interpolation, length);
    for (std::size_t row = 0; row < count; ++row)
      lowering.lower(rows.subspan(row * length, length), samples, scale, out);
  } else {
    const Raising raising(interpolation, scale, samples);
    for (std::size_t row = 0; row < count; ++row)
      raising.raise(rows.subspan(row * length, length), samples, scale, out);
  }
  return out;
}

}  // namespace diffverb::runtime
