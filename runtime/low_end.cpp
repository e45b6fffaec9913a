#include "runtime/low_end.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/envelope_decoder.h"

namespace diffverb::runtime {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kLowestCentreAboveHz = 150;  // bands whose centre lies below are low
constexpr double kLowRateHz = 750;            // of the work, about: twice what the low bands need
constexpr int kFrame = 48, kHop = 12;         // 64 and 16 ms there
constexpr int kBins = 8;                      // of 15.6 Hz that are made even
constexpr int kTurns = 8;
constexpr double kLargestChange = 10;  // of a bin's power in one turn
constexpr int kTaps = 8;               // of the interpolation, on each side

double hann(double share) { return share < 0 || share >= 1 ? 0 : 0.5 - 0.5 * std::cos(2 * kPi * share); }

/// |W|^2 of the frame's window at a distance in Hz, of unit integral over all frequencies.
double window_lobe(double hz, double rate_hz) {
  std::complex<double> sum = 0;
  for (int n = 0; n < kFrame; ++n)
    sum += hann(static_cast<double>(n) / kFrame) * std::polar(1.0, -2 * kPi * hz * n / rate_hz);
  return std::norm(sum) / (0.375 * kFrame * rate_hz);
}

/// Mean over a frame and its neighbours, as many as there are.
double smooth(const std::vector<double>& values, std::size_t frames, std::size_t f, std::size_t bin) {
  double sum = 0;
  const std::size_t from = f == 0 ? 0 : f - 1, to = std::min(f + 2, frames);
  for (std::size_t i = from; i < to; ++i) sum += values[i * kBins + bin];
  return sum / static_cast<double>(to - from);
}

struct Turn {
  std::complex<double> at(int bin, int n) const { return values[static_cast<std::size_t>((bin * n) % kFrame)]; }
  std::vector<std::complex<double>> values;
};

Turn make_turns() {
  Turn turn;
  for (int i = 0; i < kFrame; ++i) turn.values.push_back(std::polar(1.0, -2 * kPi * i / kFrame));
  return turn;
}

/// One turn: `sound` begins half a frame before the onset.
void move_towards(std::vector<double>& sound, const std::vector<double>& wanted, std::size_t frames) {
  static const Turn kTurn = make_turns();
  std::vector<std::complex<double>> spectrum(frames * kBins);
  std::vector<double> there(frames * kBins), window(kFrame);
  for (int n = 0; n < kFrame; ++n) window[static_cast<std::size_t>(n)] = hann(static_cast<double>(n) / kFrame);
  for (std::size_t f = 0; f < frames; ++f) {
    for (int bin = 0; bin < kBins; ++bin) {
      std::complex<double> sum = 0;
      for (int n = 0; n < kFrame; ++n)
        sum += window[static_cast<std::size_t>(n)] * sound[f * kHop + static_cast<std::size_t>(n)] * kTurn.at(bin, n);
      spectrum[f * kBins + static_cast<std::size_t>(bin)] = sum;
      there[f * kBins + static_cast<std::size_t>(bin)] = std::norm(sum);
    }
  }
  for (std::size_t f = 0; f < frames; ++f) {
    for (int bin = 0; bin < kBins; ++bin) {
      const auto b = static_cast<std::size_t>(bin);
      const double ratio = smooth(wanted, frames, f, b) / std::max(smooth(there, frames, f, b), 1e-30);
      const double change = std::sqrt(std::clamp(ratio, 1 / kLargestChange, kLargestChange)) - 1;
      const std::complex<double> step = change * spectrum[f * kBins + b] * ((bin == 0 ? 1.0 : 2.0) / (1.5 * kFrame));
      for (int n = 0; n < kFrame; ++n)
        sound[f * kHop + static_cast<std::size_t>(n)] +=
            window[static_cast<std::size_t>(n)] * (step * std::conj(kTurn.at(bin, n))).real();
    }
  }
}

}  // namespace

void high_pass(std::vector<float>& sound, double corner_hz, double rate_hz) {
  const double w = 2 * kPi * corner_hz / rate_hz, cosine = std::cos(w);
  for (const double q : {0.541196100146197, 1.306562964876377}) {
    const double alpha = std::sin(w) / (2 * q), a0 = 1 + alpha;
    const double b0 = 0.5 * (1 + cosine) / a0, a1 = -2 * cosine / a0, a2 = (1 - alpha) / a0;
    double first = 0, second = 0;
    for (float& value : sound) {
      const double x = value, y = b0 * x + first;
      first = -2 * b0 * x - a1 * y + second;
      second = b0 * x - a2 * y;
      value = static_cast<float>(y);
    }
  }
}

LowEnd::LowEnd(const std::vector<double>& centres_hz, double rate_hz)
    : rate_hz_(rate_hz), ratio_(std::max(1, static_cast<int>(std::lround(rate_hz / kLowRateHz)))) {
  while (bands_ + 1 < static_cast<int>(centres_hz.size()) &&
         centres_hz[static_cast<std::size_t>(bands_)] < kLowestCentreAboveHz)
    ++bands_;
  const double low_rate = rate_hz / ratio_;
  leak_.assign(static_cast<std::size_t>(kBins * bands_), 0.0);
  constexpr double kStepHz = 0.5, kReachHz = 62.5;
  for (int k = 0; k < bands_; ++k) {
    const double low = k == 0 ? 0 : centres_hz[static_cast<std::size_t>(k - 1)],
                 high = centres_hz[static_cast<std::size_t>(k + 1)];
    double whole = 0;
    for (double hz = low + 0.5 * kStepHz; hz < high; hz += kStepHz) {
      const double density = std::pow(band_weight(centres_hz, k, hz), 2);
      whole += density;
      for (int bin = 0; bin < kBins; ++bin) {
        const double at = bin * low_rate / kFrame;
        for (const double distance : {hz - at, hz + at}) {
          if (std::abs(distance) < kReachHz)
            leak_[static_cast<std::size_t>(bin * bands_ + k)] += density * window_lobe(distance, low_rate);
        }
      }
    }
    for (int bin = 0; bin < kBins; ++bin) leak_[static_cast<std::size_t>(bin * bands_ + k)] /= whole;
  }
  for (int i = -kTaps * ratio_; i <= kTaps * ratio_; ++i) {
    const double x = static_cast<double>(i) / ratio_, window = hann(0.5 + 0.5 * x / kTaps);
    kernel_.push_back(i == 0 ? 1 : window * std::sin(kPi * x) / (kPi * x));
  }
}

std::vector<double> LowEnd::wanted_power(const Power& power, std::size_t frames) const {
  constexpr int kPoints = 16;  // a window
  const double low_rate = rate_hz_ / ratio_, window_s = kFrame / low_rate;
  std::vector<double> wanted(frames * kBins, 0.0);
  for (int k = 0; k < bands_; ++k) {
    for (std::size_t f = 0; f < frames; ++f) {
      const double start = static_cast<double>(f) * kHop / low_rate - window_s / 2;
      double mean = 0;
      for (int i = 0; i < kPoints; ++i) {
        const double share = (i + 0.5) / kPoints, t = start + share * window_s;
        if (t >= 0) mean += std::pow(hann(share), 2) * power(k, t) / kPoints;
      }
      // Two-sided density of a sample's variance, half of the band's on each side, times the window's energy.
      const double energy = mean / rate_hz_ * kFrame * low_rate / 2;
      for (int bin = 0; bin < kBins; ++bin)
        wanted[f * kBins + static_cast<std::size_t>(bin)] += energy * leak_[static_cast<std::size_t>(bin * bands_ + k)];
    }
  }
  return wanted;
}

void LowEnd::even(std::vector<float>& sound, const Power& power) const {
  const auto ratio = static_cast<std::size_t>(ratio_);
  if (bands_ == 0 || sound.size() < ratio * kFrame) return;
  const std::size_t count = (sound.size() + ratio - 1) / ratio, frames = count / kHop + 1;
  std::vector<double> low(kFrame / 2 + frames * kHop + kFrame, 0.0);
  for (std::size_t i = 0; i < count; ++i) low[kFrame / 2 + i] = sound[i * ratio];
  const std::vector<double> before = low, wanted = wanted_power(power, frames);
  for (int turn = 0; turn < kTurns; ++turn) {
    move_towards(low, wanted, frames);
    std::fill(low.begin(), low.begin() + kFrame / 2, 0.0);  // nothing sounds before the onset
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double change = low[kFrame / 2 + i] - before[kFrame / 2 + i];
    const auto middle = static_cast<std::ptrdiff_t>(i * ratio), end = static_cast<std::ptrdiff_t>(sound.size());
    const auto reach = static_cast<std::ptrdiff_t>(kTaps * ratio_);
    for (std::ptrdiff_t n = std::max<std::ptrdiff_t>(0, middle - reach); n < std::min(end, middle + reach + 1); ++n)
      sound[static_cast<std::size_t>(n)] +=
          static_cast<float>(change * kernel_[static_cast<std::size_t>(n - middle + reach)]);
  }
}

}  // namespace diffverb::runtime
