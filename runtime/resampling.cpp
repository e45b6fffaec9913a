#include "runtime/resampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

constexpr double kCutoff = 0.975;   // of the lower half rate, the middle of the slope
constexpr double kHalfWidth = 160;  // samples of the lower rate on each side: a slope of 0.05 of the half rate
constexpr double kBeta = 12.3;      // of the Kaiser window: 120 dB
constexpr int kPoints = 128;        // of the kernel's table a sample; cubic between them is good to 1e-8
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

/// Band-limited interpolation from one rate to another, both ways from a place.
class Interpolation {
 public:
  Interpolation(double from_hz, double to_hz) : step_(from_hz / to_hz) {
    const double low = std::min(1.0, 1 / step_);  // the lower rate in samples of the old one
    reach_ = kHalfWidth / low;
    const auto points = static_cast<std::size_t>(std::ceil(reach_ * kPoints)) + 4;
    table_.resize(points);
    const double scale = 1 / bessel(kBeta);
    for (std::size_t i = 0; i < points; ++i) {
      const double x = static_cast<double>(i) / kPoints, share = x / reach_;
      if (share > 1) break;
      const double phase = std::numbers::pi * kCutoff * low * x;
      table_[i] =
          kCutoff * low * (i == 0 ? 1 : std::sin(phase) / phase) * bessel(kBeta * std::sqrt(1 - share * share)) * scale;
    }
  }

  /// In samples of the new rate, on each side.
  std::ptrdiff_t reach() const { return static_cast<std::ptrdiff_t>(std::ceil(reach_ / step_)); }

  /// The kernel at a distance in samples of the old rate.
  double kernel(double distance) const {
    const double place = std::abs(distance) * kPoints;
    const auto at = static_cast<std::ptrdiff_t>(place);
    const auto weights = cubic(place - static_cast<double>(at));
    double sum = 0;
    for (std::ptrdiff_t k = 0; k < 4; ++k) sum += weights[static_cast<std::size_t>(k)] * entry(at + k - 1);
    return sum;
  }

  /// The sound at the new rate's sample n, which may lie before its first.
  double at(std::span<const float> sound, std::ptrdiff_t n) const {
    const double place = static_cast<double>(n) * step_;
    const auto size = static_cast<std::ptrdiff_t>(sound.size());
    const auto middle = static_cast<std::ptrdiff_t>(std::floor(place));
    return one_side(sound, place - static_cast<double>(middle), middle, -1,
                    std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(std::ceil(place - reach_)))) +
           one_side(sound, static_cast<double>(middle + 1) - place, middle + 1, 1,
                    std::min(size - 1, static_cast<std::ptrdiff_t>(std::floor(place + reach_))));
  }

 private:
  /// Lagrange's weights of the points -1, 0, 1, 2.
  static std::array<double, 4> cubic(double x) {
    return {-x * (x - 1) * (x - 2) / 6, (x * x - 1) * (x - 2) / 2, -x * (x + 1) * (x - 2) / 2, x * (x * x - 1) / 6};
  }
  double entry(std::ptrdiff_t i) const {
    const auto index = static_cast<std::size_t>(std::abs(i));
    return index < table_.size() ? table_[index] : 0;
  }
  /// From sample `from`, `distance` away, to sample `to`: all lie equally between the points of the table.
  double one_side(std::span<const float> sound, double distance, std::ptrdiff_t from, int direction,
                  std::ptrdiff_t to) const {
    const double place = distance * kPoints;
    auto point = static_cast<std::ptrdiff_t>(place);
    const auto weights = cubic(place - static_cast<double>(point));
    const auto size = static_cast<std::ptrdiff_t>(sound.size());
    double sum = 0;
    for (std::ptrdiff_t k = from; direction * (to - k) >= 0; k += direction, point += kPoints) {
      if (k < 0 || k >= size) continue;
      sum += static_cast<double>(sound[static_cast<std::size_t>(k)]) *
             (weights[0] * entry(point - 1) + weights[1] * entry(point) + weights[2] * entry(point + 1) +
              weights[3] * entry(point + 2));
    }
    return sum;
  }

  double step_, reach_ = 0;
  std::vector<double> table_;
};

std::size_t length_at(std::size_t size, double from_hz, double to_hz) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(size) * to_hz / from_hz - 1e-9));
}

/// The phase that a filter of the kernel's magnitude has if it has the least, at all bins of a transform.
/// Source: Oppenheim & Schafer, Discrete-Time Signal Processing, chapter 13 (the real cepstrum).
std::vector<double> least_phase(const Interpolation& interpolation, double step, std::size_t bins) {
  std::vector<std::complex<double>> values(bins, 0.0);
  double gain = 0;
  for (std::ptrdiff_t n = -interpolation.reach(); n <= interpolation.reach(); ++n) {
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
  std::vector<double> phase(bins);
  for (std::size_t i = 0; i < bins; ++i) phase[i] = values[i].imag();
  return phase;
}

}  // namespace

std::vector<float> resample(std::span<const float> sound, double from_hz, double to_hz) {
  if (from_hz == to_hz) return {sound.begin(), sound.end()};
  const Interpolation interpolation(from_hz, to_hz);
  std::vector<float> out(length_at(sound.size(), from_hz, to_hz));
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = static_cast<float>(interpolation.at(sound, static_cast<std::ptrdiff_t>(n)));
  return out;
}

std::vector<float> resample_responses(std::span<const float> rows, std::size_t length, double from_hz, double to_hz,
                                      std::size_t more) {
  if (from_hz == to_hz || length == 0) return {rows.begin(), rows.end()};
  const Interpolation interpolation(from_hz, to_hz);
  const auto ringing = static_cast<std::size_t>(static_cast<double>(more) * std::max(1.0, to_hz / from_hz));
  const std::size_t samples = length_at(length, from_hz, to_hz) + ringing, count = rows.size() / length;
  const std::ptrdiff_t reach = interpolation.reach(), end = static_cast<std::ptrdiff_t>(samples) + reach;
  std::size_t bins = 1;
  while (static_cast<std::ptrdiff_t>(bins) < end + 3 * reach) bins *= 2;  // what rings on does not come round
  const std::vector<double> phase = least_phase(interpolation, from_hz / to_hz, bins);
  const double scale = from_hz / to_hz / static_cast<double>(bins);
  std::vector<float> out;
  out.reserve(count * samples);
  std::vector<std::complex<double>> values(bins);
  for (std::size_t row = 0; row < count; ++row) {
    std::fill(values.begin(), values.end(), 0.0);
    for (std::ptrdiff_t n = -reach; n < end; ++n)
      values[static_cast<std::size_t>(n + static_cast<std::ptrdiff_t>(bins)) % bins] =
          interpolation.at(rows.subspan(row * length, length), n);
    transform(values, false);
    for (std::size_t i = 0; i < bins; ++i) values[i] *= std::polar(1.0, phase[i]);
    transform(values, true);
    for (std::size_t n = 0; n < samples; ++n) out.push_back(static_cast<float>(values[n].real() * scale));
  }
  return out;
}

}  // namespace diffverb::runtime
