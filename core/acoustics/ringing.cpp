#include "core/acoustics/ringing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "core/acoustics/fft.h"

namespace diffverb::acoustics {
namespace {

constexpr double kFromHz = 125, kToHz = 4000;
constexpr std::size_t kFrames = 13, kLast = 3;
constexpr std::size_t kFewestNeighbours = 5;
constexpr double kLeastFallDb = 3;
constexpr double kLongest = 100;             // times its neighbours: what does not fall at all
using Levels = std::array<double, kFrames>;  // power, or dB

/// |X|^2 of each frame, a quarter of the stretch long.
struct Frames {
  std::vector<Levels> power;  // [bin][frame]
  double bin_hz = 0, hop_s = 0;
};

Frames frames_of(const LatePart& late) {
  const std::size_t length = late.samples.size() / 4;
  const RealFft fft(fast_fft_length(length));
  Frames out;
  out.bin_hz = late.rate_hz / static_cast<double>(fft.size());
  const double hop = static_cast<double>(late.samples.size() - length) / (kFrames - 1);
  out.hop_s = hop / late.rate_hz;
  out.power.resize(fft.size() / 2 + 1);
  std::vector<double> frame(length);
  for (std::size_t t = 0; t < kFrames; ++t) {
    const auto from = static_cast<std::size_t>(hop * static_cast<double>(t));
    for (std::size_t n = 0; n < length; ++n) {
      const double phase = 2 * std::numbers::pi * (static_cast<double>(n) + 0.5) / static_cast<double>(length);
      frame[n] = late.samples[from + n] * (0.5 - 0.5 * std::cos(phase));
    }
    const auto spectrum = fft(frame);
    for (std::size_t k = 0; k < spectrum.size(); ++k) out.power[k][t] = std::norm(spectrum[k]);
  }
  return out;
}

/// Seconds for 60 dB along the line through the levels; infinite where it does not fall.
double decay_s(const Levels& power, double hop_s) {
  double above = 0, below = 0;
  for (std::size_t t = 0; t < kFrames; ++t) {
    const double x = static_cast<double>(t) - 0.5 * (kFrames - 1);
    above += x * 10 * std::log10(std::max(power[t], 1e-300));
    below += x * x;
  }
  const double fall_db = -above / below / hop_s;  // a second
  return fall_db > 0 ? 60 / fall_db : HUGE_VAL;
}

double end_of(const Levels& power) {
  double sum = 0;
  for (std::size_t t = kFrames - kLast; t < kFrames; ++t) sum += power[t];
  return sum;
}

/// Frame by frame the median over the bins from `low` to `high`.
Levels median_of(const std::vector<Levels>& power, std::size_t low, std::size_t high) {
  Levels out{};
  std::vector<double> values(high - low);
  for (std::size_t t = 0; t < kFrames; ++t) {
    for (std::size_t k = low; k < high; ++k) values[k - low] = power[k][t];
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    out[t] = *middle;
  }
  return out;
}

/// Whether `one` says more than `other`.
bool further(const Ringing& one, const Ringing& other) {
  if (one.alone != other.alone) return one.alone;
  return one.alone ? one.ratio() > other.ratio() : one.above_db > other.above_db;
}

/// A tone in the noise does not fall any more in the second half.
bool is_tone(const Levels& power) {
  double middle = 0;
  for (std::size_t t = kFrames / 2 - 1; t < kFrames / 2 - 1 + kLast; ++t) middle += power[t];
  return 10 * std::log10(middle / end_of(power)) < kLeastFallDb;
}

/// Into `found`, over the bins of a band.
void search(const LatePart& late, double from_hz, double to_hz, bool has_noise, std::optional<Ringing>& found) {
  const Frames frames = frames_of(late);
  const double half = std::exp2(1.0 / 6);
  for (auto k = static_cast<std::size_t>(std::ceil(from_hz / frames.bin_hz)); k < frames.power.size(); ++k) {
    const auto x = static_cast<double>(k);
    if (x * frames.bin_hz > to_hz) break;
    const auto low = static_cast<std::size_t>(x / half), high = static_cast<std::size_t>(x * half) + 1;
    if (high - low < kFewestNeighbours || high > frames.power.size()) continue;
    const Levels around = median_of(frames.power, low, high);
    Ringing one;
    one.hz = x * frames.bin_hz;
    one.around_t60_s = decay_s(around, frames.hop_s);
    if (!(end_of(around) > 0) || !std::isfinite(one.around_t60_s)) continue;
    one.above_db = 10 * std::log10(std::max(end_of(frames.power[k]), 1e-300) / end_of(around));
    one.t60_s = std::min(decay_s(frames.power[k], frames.hop_s), kLongest * one.around_t60_s);
    one.alone = one.above_db >= kAloneDb;
    if (one.alone && has_noise && is_tone(frames.power[k])) continue;
    if (!found || further(one, *found)) found = one;
  }
}

}  // namespace

std::optional<Ringing> measure_ringing(std::span<const double> channel, const ChannelResult& result) {
  std::optional<Ringing> found;
  for (const Band& band : make_bands(BandWidth::kOctave, result.rate_hz, kFromHz, kToHz)) {
    const auto octave = std::find_if(result.octaves.begin(), result.octaves.end(),
                                     [&](const BandResult& one) { return one.hz == band.nominal_hz; });
    if (octave == result.octaves.end() || !(octave->late_t60_s > 0 || octave->t_s())) continue;
    const LatePart late = late_part(channel, result, *octave);
    if (late.samples.empty() || late.seconds() < kShortestRingingSeconds) continue;
    search(late, band.low_hz, band.high_hz, octave->noise_floor_db.has_value(), found);
  }
  return found;
}

}  // namespace diffverb::acoustics
