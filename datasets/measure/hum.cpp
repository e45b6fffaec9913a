#include "datasets/measure/hum.h"

#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/fft.h"

namespace diffverb {
namespace {

constexpr double kLeastDb = 15, kHighest_hz = 400, kShown_hz = 420, kShortest_s = 0.5;
constexpr double kMostOff = 0.01;  // of the mains' frequency from its nominal one
constexpr std::int64_t kFinerSpectrum = 4;

struct Spectrum {
  std::vector<double> db;  // 0 dB: a sine of amplitude 1
  double step_hz = 0, resolution_hz = 0;
  std::int64_t bin(double hz) const { return std::llround(hz / step_hz); }
};

Spectrum spectrum_of(const at::Tensor& stretch, double rate_hz) {
  const std::int64_t samples = stretch.size(0);
  const auto window = at::hann_window(samples, at::kDouble);
  const auto size =
      static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(kFinerSpectrum * samples)));
  Spectrum out;
  out.step_hz = rate_hz / static_cast<double>(size);
  out.resolution_hz = rate_hz / static_cast<double>(samples);
  const auto wanted = std::min(size / 2, out.bin(std::min(kShown_hz, 0.45 * rate_hz)));
  const auto amplitude = at::fft_rfft((stretch - stretch.mean()) * window, size).abs() * (2 / window.sum());
  const auto db = (20 * amplitude.slice(0, 0, wanted).clamp_min(1e-15).log10()).contiguous();
  out.db.assign(db.const_data_ptr<double>(), db.const_data_ptr<double>() + db.size(0));
  return out;
}

double median_beside(const Spectrum& spectrum, double hz) {
  std::vector<double> beside;
  for (const auto& [low, high] : {std::pair{hz - 20, hz - 6}, std::pair{hz + 6, hz + 20}}) {
    for (auto k = spectrum.bin(low); k < spectrum.bin(high); ++k) {
      if (k >= 0 && k < static_cast<std::int64_t>(spectrum.db.size()))
        beside.push_back(spectrum.db[static_cast<std::size_t>(k)]);
    }
  }
  std::nth_element(beside.begin(), beside.begin() + static_cast<std::ptrdiff_t>(beside.size() / 2), beside.end());
  return beside[beside.size() / 2];
}

/// The largest value near a multiple of the base; above_db below kLeastDb where there is no line.
Hum::Line line_near(const Spectrum& spectrum, double hz) {
  const double width_hz = std::max(1.5 * spectrum.resolution_hz, kMostOff * hz);
  const auto from = std::max<std::int64_t>(1, spectrum.bin(hz - width_hz));
  const auto to = std::min(static_cast<std::int64_t>(spectrum.db.size()) - 1, spectrum.bin(hz + width_hz) + 1);
  if (to <= from) return {};
  const auto peak = std::max_element(spectrum.db.begin() + from, spectrum.db.begin() + to);
  const double before = *(peak - 1), after = *(peak + 1), bend = before - 2 * *peak + after;
  if (!(bend < 0)) return {};
  const double beside = std::clamp(0.5 * (before - after) / bend, -0.5, 0.5);
  Hum::Line out;
  out.hz = (static_cast<double>(peak - spectrum.db.begin()) + beside) * spectrum.step_hz;
  out.dbfs = *peak - 0.25 * (before - after) * beside;
  out.above_db = out.dbfs - median_beside(spectrum, hz);
  return out;
}

}  // namespace

Hum find_hum(const at::Tensor& stretch, double rate_hz) {
  Hum out;
  if (static_cast<double>(stretch.size(0)) < kShortest_s * rate_hz) return out;
  const Spectrum spectrum = spectrum_of(stretch, rate_hz);
  double most = 0;
  for (const double nominal_hz : {50.0, 60.0}) {
    Hum hum;
    double power = 0, products = 0, squares = 0;
    for (int k = 1; k * nominal_hz <= std::min(kHighest_hz, 0.4 * rate_hz); ++k) {
      const Hum::Line line = line_near(spectrum, k * nominal_hz);
      if (line.above_db < kLeastDb) continue;
      const double weight = std::pow(10, line.dbfs / 10);
      power += weight;
      products += weight * k * line.hz;
      squares += weight * k * k;
      hum.above_db = std::max(hum.above_db, line.above_db);
      hum.lines.push_back(line);
    }
    if (power <= most) continue;
    most = power;
    hum.base_hz = products / squares;
    hum.dbfs = 10 * std::log10(power);
    out = std::move(hum);
  }
  out.step_hz = spectrum.step_hz;
  out.spectrum_dbfs = spectrum.db;
  return out;
}

}  // namespace diffverb
