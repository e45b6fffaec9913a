#include "runtime/resampling.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "runtime/aligned.h"
#include "runtime/convolver.h"
#include "runtime/denormals.h"
#include "runtime/kernels.h"
#include "runtime/resampling_kernels.h"
#include "runtime/transform.h"

namespace diffverb::runtime {
namespace {

// Of a kernel's table a sample, where it passes half a rate; cubic between them is good to 1e-7.
constexpr std::size_t kPlaces = 128;
constexpr std::size_t kMostPlaces = 1024;      // all places that two rates have get rows of their own, if so few
constexpr std::size_t kTimes = 4;              // responses are band-limited at so many times the lower of the two rates
constexpr RateSlope kSteep{0.975, 192, 14.8};  // their band limit: to 140 dB
constexpr RateSlope kGentle{4, 2, 16};         // between that rate and the higher one: passes half of the lower rate
constexpr std::size_t kBlock = 4096;           // samples of the lower rate at once, in a cache
constexpr double kFloor = 2e-8;                // of the band limit, where it is given the least phase
constexpr std::size_t kBins = 65536;

/// I0(x), the modified Bessel function of the first kind.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

/// A slope's kernel. `low`: the lower rate in samples of the rate in which distances are counted.
class Kernel {
 public:
  Kernel(const RateSlope& slope, double low)
      : slope_(slope), band_(slope.cutoff * low), reach_(slope.half_width / low), scale_(1 / bessel(slope.beta)) {}

  double band() const { return band_; }    // what passes, in half rates
  double reach() const { return reach_; }  // on each side
  double at(double distance) const {
    const double share = distance / reach_, phase = std::numbers::pi * band_ * distance;
    if (std::abs(share) >= 1) return 0;
    return band_ * (phase == 0 ? 1 : std::sin(phase) / phase) * bessel(slope_.beta * std::sqrt(1 - share * share)) *
           scale_;
  }

 private:
  RateSlope slope_;
  double band_, reach_, scale_;  // scale_: of the window
};

/// The band limit of responses at kTimes the lower rate, with the least phase: each kTimes-th tap from 0 on, from 1 on, ...
/// As long as the kernel without phase; what would come behind is below 1e-9.
/// Source: Oppenheim & Schafer, Discrete-Time Signal Processing, chapter 13 (the real cepstrum).
std::vector<float> make_band_limit() {
  const Kernel kernel(kSteep, 1.0 / kTimes);
  const auto reach = static_cast<std::ptrdiff_t>(kernel.reach());
  std::vector<std::complex<double>> values(kBins, 0.0);
  for (std::ptrdiff_t n = -reach; n <= reach; ++n)
    values[static_cast<std::size_t>(n + static_cast<std::ptrdiff_t>(kBins)) % kBins] =
        kernel.at(static_cast<double>(n));
  transform(values, false);
  const double gain = values[0].real();
  for (auto& value : values) value = std::log(std::max(std::abs(value.real()) / gain, kFloor));
  transform(values, true);
  for (std::size_t i = 0; i < kBins; ++i) {
    const double fold = i == 0 || i == kBins / 2 ? 1 : i < kBins / 2 ? 2 : 0;
    values[i] = values[i].real() * fold / static_cast<double>(kBins);
  }
  transform(values, false);
  for (auto& value : values) value = std::exp(value);
  transform(values, true);
  const std::size_t each = 2 * static_cast<std::size_t>(reach) / kTimes;
  std::vector<float> phases(kTimes * each);
  for (std::size_t n = 0; n < phases.size(); ++n)
    phases[n % kTimes * each + n / kTimes] = static_cast<float>(values[n].real() / static_cast<double>(kBins));
  return phases;
}

/// The band limit as convolutions of `inputs` and `outputs` sounds.
Convolver limiting(int outputs, int inputs, double gain) {
  static const std::vector<float> limit = make_band_limit();
  std::vector<float> taps = limit;
  for (float& tap : taps) tap *= static_cast<float>(gain);
  Convolver convolver;
  convolver.prepare(taps, outputs, inputs, static_cast<int>(taps.size() / kTimes));
  return convolver;
}

/// A sound, read at another rate with a kernel whose distances are in its own samples.
class Reading {
 public:
  Reading(const Kernel& kernel, double from_hz, double to_hz)
      : step_(from_hz / to_hz), half_(static_cast<std::size_t>(std::ceil(kernel.reach()))) {
    table_.taps = (2 * half_ + kKernelLanes - 1) / kKernelLanes * kKernelLanes;
    if (from_hz == std::floor(from_hz) && to_hz == std::floor(to_hz)) {
      const auto from = static_cast<std::size_t>(from_hz), to = static_cast<std::size_t>(to_hz);
      table_.places = to / std::gcd(from, to);
      if (table_.places <= kMostPlaces) places_step_ = from / std::gcd(from, to);
    }
    if (places_step_ == 0)
      table_.places = static_cast<std::size_t>(std::ceil(static_cast<double>(kPlaces) * kernel.band()));
    const std::size_t rows = table_.places + (places_step_ == 0 ? 3 : 0);
    rows_.resize(rows * table_.taps);
    for (std::size_t row = 0; row < rows; ++row) {
      const double place = static_cast<double>(row) - (places_step_ == 0 ? 1 : 0),
                   at = static_cast<double>(half_) - 1 + place / static_cast<double>(table_.places);
      for (std::size_t k = 0; k < 2 * half_; ++k)
        rows_[row * table_.taps + k] = static_cast<float>(kernel.at(static_cast<double>(k) - at));
    }
    table_.rows = rows_.data();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  /// How far behind the samples that were enough so far what is read next may begin.
  std::ptrdiff_t reach() const {
    return static_cast<std::ptrdiff_t>(table_.taps) + static_cast<std::ptrdiff_t>(std::ceil(step_)) + 2;
  }
  /// For how many samples of the new rate the first ones of the old rate are enough.
  std::size_t readable(std::size_t samples) const {
    const double last = static_cast<double>(samples + half_) - static_cast<double>(table_.taps);
    return last > 0 ? static_cast<std::size_t>(last / step_) : 0;
  }
  /// The new rate's samples from `first` on; sound[0] is the old one's sample `at`.
  void read(std::span<const float> sound, std::ptrdiff_t at, std::ptrdiff_t first, std::span<float> out) const {
    const std::ptrdiff_t begin = at + static_cast<std::ptrdiff_t>(half_) - 1;
    if (places_step_ > 0)
      interpolate(table_, sound.data(), begin, first, places_step_, out);
    else
      interpolate(table_, sound.data(), begin, first, step_, out);
  }
  /// A sound with silence around it, so that the new rate's first .. end - 1 can be read; sample 0 is number ahead(first).
  std::vector<float> padded(std::span<const float> sound, std::ptrdiff_t first, std::size_t end) const {
    std::vector<float> out(static_cast<std::size_t>(ahead(first)), 0.0f);
    out.insert(out.end(), sound.begin(), sound.end());
    const std::size_t last = static_cast<std::size_t>(std::ceil(static_cast<double>(end) * step_)) + table_.taps + 1;
    if (last > sound.size()) out.resize(out.size() + last - sound.size(), 0.0f);
    return out;
  }
  std::ptrdiff_t ahead(std::ptrdiff_t first) const {
    return static_cast<std::ptrdiff_t>(half_) +
           static_cast<std::ptrdiff_t>(std::ceil(std::max(0.0, -static_cast<double>(first) * step_)));
  }

 private:
  double step_;
  std::size_t places_step_ = 0;  // the same in places of the table, where it has all that there are
  std::size_t half_;             // samples on each side
  std::vector<float> rows_;
  KernelTable table_;
};

std::size_t length_at(std::size_t size, double from_hz, double to_hz) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(size) * to_hz / from_hz - 1e-9));
}

/// Sounds side by side, with the room that a Convolver wants.
struct Sounds {
  Sounds(std::size_t count, std::size_t length) : stride(length + kPad), values(count * stride, 0.0f) {}
  float* row(std::size_t i) { return values.data() + i * stride; }
  std::size_t stride;
  Floats values;
};

/// Responses at a lower rate: read at kTimes that rate, where what comes round lies above all that stays; then band-limited,
/// and one sample of kTimes is left.
class Lowering {
 public:
  Lowering(double from_hz, double to_hz)
      : reading_({kGentle, to_hz / from_hz}, from_hz, kTimes * to_hz), limit_(limiting(1, kTimes, from_hz / to_hz)) {}

  void change(std::span<const float> response, std::span<float> out) {
    constexpr auto kFirst = -static_cast<std::ptrdiff_t>(kTimes * (kAhead + 1));
    const std::vector<float> padded = reading_.padded(response, kFirst, kTimes * out.size());
    const std::size_t samples = kAhead + out.size(), most = std::min(kBlock, samples);
    std::vector<float> fine(kTimes * most + kTimes - 1);
    Sounds phases(kTimes, most), limited(1, most);
    limit_.reset();
    for (std::size_t begin = 0; begin < samples; begin += most) {
      const std::size_t count = std::min(most, samples - begin);
      // Phase 0 begins behind the others, which belong to the sample before.
      const auto first = static_cast<std::ptrdiff_t>(kTimes * begin) + kFirst + 1;
      reading_.read(padded, -reading_.ahead(kFirst), first, std::span(fine).first(kTimes * count + kTimes - 1));
      for (std::size_t phase = 0; phase < kTimes; ++phase) {
        float* row = phases.row(phase);
        for (std::size_t n = 0; n < count; ++n) row[n] = fine[kTimes * (n + 1) - 1 - phase];
      }
      std::fill_n(limited.row(0), count, 0.0f);
      limit_.add(phases.row(0), phases.stride, limited.row(0), limited.stride, static_cast<int>(count));
      for (std::size_t n = begin < kAhead ? kAhead - begin : 0; n < count; ++n)
        out[begin + n - kAhead] = limited.row(0)[n];
    }
  }

 private:
  static constexpr auto kAhead = static_cast<std::size_t>(kGentle.half_width);

  Reading reading_;
  Convolver limit_;
};

/// At a higher rate: band-limited at kTimes the old one, then read at the new one's places.
class Raising {
 public:
  Raising(double from_hz, double to_hz)
      : step_(kTimes * from_hz / to_hz),
        reading_({kGentle, 1.0 / kTimes}, kTimes * from_hz, to_hz),
        limit_(limiting(kTimes, 1, kTimes * from_hz / to_hz)) {}

  void change(std::span<const float> response, std::span<float> out) {
    const auto kept = static_cast<std::size_t>(reading_.reach());  // of the block before
    const std::size_t needed = static_cast<std::size_t>(static_cast<double>(out.size()) * step_) + kept;
    const std::size_t count = std::min(kBlock, needed / kTimes + 1);
    Sounds sound(1, count), phases(kTimes, count);
    std::vector<float> fine(kept + kTimes * count, 0.0f);
    limit_.reset();
    std::size_t made = 0;
    for (std::size_t begin = 0; made < out.size(); begin += count) {
      const auto part = response.subspan(std::min(begin, response.size()));
      const std::size_t there = std::min(count, part.size());
      std::fill_n(std::copy_n(part.begin(), there, sound.row(0)), count - there, 0.0f);
      std::fill(phases.values.begin(), phases.values.end(), 0.0f);
      limit_.add(sound.row(0), sound.stride, phases.row(0), phases.stride, static_cast<int>(count));
      for (std::size_t phase = 0; phase < kTimes; ++phase) {
        const float* row = phases.row(phase);
        for (std::size_t n = 0; n < count; ++n) fine[kept + kTimes * n + phase] = row[n];
      }
      const std::size_t end = std::min(out.size(), reading_.readable(kTimes * (begin + count)));
      const auto at = static_cast<std::ptrdiff_t>(kTimes * begin) - static_cast<std::ptrdiff_t>(kept);
      reading_.read(fine, at, static_cast<std::ptrdiff_t>(made), out.subspan(made, end - made));
      made = end;
      std::copy(fine.end() - static_cast<std::ptrdiff_t>(kept), fine.end(), fine.begin());
    }
  }

 private:
  double step_;
  Reading reading_;
  Convolver limit_;
};

template <typename Change>
void change_rows(Change&& change, std::span<const float> rows, std::size_t length, std::vector<float>& out) {
  const std::size_t count = rows.size() / length, samples = out.size() / count;
  for (std::size_t row = 0; row < count; ++row)
    change.change(rows.subspan(row * length, length), std::span(out).subspan(row * samples, samples));
}

}  // namespace

std::vector<float> resample(std::span<const float> sound, double from_hz, double to_hz, const RateSlope& slope) {
  if (from_hz == to_hz) return {sound.begin(), sound.end()};
  const Reading reading({slope, std::min(1.0, to_hz / from_hz)}, from_hz, to_hz);
  std::vector<float> out(length_at(sound.size(), from_hz, to_hz));
  reading.read(reading.padded(sound, 0, out.size()), -reading.ahead(0), 0, out);
  return out;
}

std::vector<float> resample_responses(std::span<const float> rows, std::size_t length, double from_hz, double to_hz,
                                      std::size_t more) {
  if (from_hz == to_hz || length == 0 || rows.empty()) return {rows.begin(), rows.end()};
  const auto ringing = static_cast<std::size_t>(static_cast<double>(more) * std::max(1.0, to_hz / from_hz));
  const std::size_t samples = length_at(length, from_hz, to_hz) + ringing;
  std::vector<float> out(rows.size() / length * samples);
  const FlushDenormals flush;
  if (to_hz < from_hz)
    change_rows(Lowering(from_hz, to_hz), rows, length, out);
  else
    change_rows(Raising(from_hz, to_hz), rows, length, out);
  return out;
}

}  // namespace diffverb::runtime
