#include "datasets/measure/clock.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/fft.h"

namespace diffverb {
namespace {

constexpr double kMost_ppm = 500;            // of drift that is looked for
constexpr double kLeastCorrelation = 0.5;    // below it, the second stretch is not the first one again
constexpr std::int64_t kPartAtEachEnd = 10;  // of a loopback's sweep, a part at each end: within it nothing drifts far
constexpr std::int64_t kFiner = 4;
constexpr double kPilotResponse_s = 0.5;  // of the room's response to a pilot that is compared

/// Two stretches of `length` samples; nothing where either leaves the recording or they do not correlate.
ClockDrift compare(const at::Tensor& a, std::int64_t from_a, const at::Tensor& b, std::int64_t from_b,
                   std::int64_t length, std::int64_t distance, const std::string& name) {
  ClockDrift out;
  if (from_a < 0 || from_b < 0 || length < 16 || from_a + length > a.size(0) || from_b + length > b.size(0)) return out;
  const auto most = std::max<std::int64_t>(16, std::llround(kMost_ppm * 1e-6 * static_cast<double>(distance)));
  const RelativeDelay delay =
      delay_between(a.slice(0, from_a, from_a + length), b.slice(0, from_b, from_b + length), most);
  if (delay.correlation < kLeastCorrelation) return out;
  out.ppm = 1e6 * delay.samples / static_cast<double>(distance);
  out.from = name;
  out.distance_samples = static_cast<double>(distance);
  out.level_change_db = delay.gain_db;
  return out;
}

}  // namespace

RelativeDelay delay_between(const at::Tensor& a, const at::Tensor& b, std::int64_t most) {
  const auto fft_size = static_cast<std::int64_t>(
      acoustics::fast_fft_length(static_cast<std::size_t>(a.size(0) + std::max(b.size(0), most + 2))));
  const auto cross = at::fft_rfft(a, fft_size).conj() * at::fft_rfft(b, fft_size);
  // A parabola follows a peak of what reaches up to the Nyquist frequency only where it is sampled finer.
  const auto correlation =
      kFiner * at::fft_irfft(at::constant_pad_nd(cross, {0, (kFiner - 1) * fft_size / 2}), kFiner * fft_size);
  const std::int64_t most_fine = kFiner * most;
  const auto lags = correlation.roll({most_fine + 1}, {0}).slice(0, 0, 2 * most_fine + 3).contiguous();
  const double* r = lags.const_data_ptr<double>();  // of lags -most_fine - 1 to most_fine + 1
  const std::int64_t peak = std::max_element(r + 1, r + 2 * most_fine + 2) - r;
  const double bend = r[peak - 1] - 2 * r[peak] + r[peak + 1];
  const double beside = bend < 0 ? 0.5 * (r[peak - 1] - r[peak + 1]) / bend : 0.0;
  RelativeDelay out;
  out.samples = (static_cast<double>(peak - most_fine - 1) + beside) / kFiner;
  const double energy_a = a.square().sum().item<double>(), energy_b = b.square().sum().item<double>();
  out.correlation = r[peak] / std::sqrt(std::max(1e-300, energy_a * energy_b));
  out.gain_db = 20 * std::log10(std::max(1e-15, r[peak] / std::max(1e-300, energy_a)));
  return out;
}

ClockDrift find_drift(const Sweep& sweep, const at::Tensor& channel, std::int64_t delay, bool loopback) {
  const SweepLayout at_(sweep);
  ClockDrift out;
  if (sweep.pilots) {
    const auto response = std::min(at_.gap, static_cast<std::int64_t>(std::llround(kPilotResponse_s * sweep.rate_hz)));
    out = compare(channel, delay + at_.first_pilot, channel, delay + at_.last_pilot, at_.pilot + response,
                  at_.last_pilot - at_.first_pilot, "pilots");
  }
  if (!out.ppm && sweep.repeat > 1) {
    const std::int64_t distance = (sweep.repeat - 1) * at_.spacing;
    out =
        compare(channel, delay + at_.first, channel, delay + at_.first + distance, at_.period, distance, "repetitions");
  }
  if (!out.ppm && loopback) {
    const auto once = sweep.excitation();
    const std::int64_t length = at_.period / kPartAtEachEnd, distance = at_.period - length;
    const auto first = compare(once, 0, channel, delay + at_.first, length, distance, "loopback");
    const auto second = compare(once, distance, channel, delay + at_.first + distance, length, distance, "loopback");
    if (first.ppm && second.ppm) {
      out = second;
      out.ppm = *second.ppm - *first.ppm;
      out.level_change_db = *second.level_change_db - *first.level_change_db;
    }
  }
  return out;
}

}  // namespace diffverb
