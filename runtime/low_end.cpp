#include "runtime/low_end.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "runtime/biquad.h"
#include "runtime/decoder_kernels.h"
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

/// hann(n / kFrame) cos and sin of 2 pi bin n / kFrame, [kFrame][kBins].
struct Windows {
  Windows() {
    for (int n = 0; n < kFrame; ++n) {
      for (int bin = 0; bin < kBins; ++bin) {
        const double angle = 2 * kPi * (bin * n % kFrame) / kFrame, window = hann(static_cast<double>(n) / kFrame);
        cosine[n][bin] = window * std::cos(angle), sine[n][bin] = window * std::sin(angle);
      }
    }
  }
  double cosine[kFrame][kBins], sine[kFrame][kBins];
};

/// One turn: `sound` begins half a frame before the onset.
void move_towards(std::vector<double>& sound, const std::vector<double>& wanted, std::size_t frames) {
  static const Windows kWindows;
  std::vector<double> re(frames * kBins), im(frames * kBins), there(frames * kBins);
  for (std::size_t f = 0; f < frames; ++f) {
    double cosines[kBins] = {}, sines[kBins] = {};
    for (std::size_t n = 0; n < kFrame; ++n) {
      const double x = sound[f * kHop + n];
      for (int bin = 0; bin < kBins; ++bin) {
        cosines[bin] += x * kWindows.cosine[n][bin];
        sines[bin] += x * kWindows.sine[n][bin];
      }
    }
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      re[f * kBins + bin] = cosines[bin], im[f * kBins + bin] = -sines[bin];
      there[f * kBins + bin] = cosines[bin] * cosines[bin] + sines[bin] * sines[bin];
    }
  }
  for (std::size_t f = 0; f < frames; ++f) {
    double cosines[kBins], sines[kBins];
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const double ratio = smooth(wanted, frames, f, bin) / std::max(smooth(there, frames, f, bin), 1e-30);
      const double change = std::sqrt(std::clamp(ratio, 1 / kLargestChange, kLargestChange)) - 1;
      const double scale = change * ((bin == 0 ? 1.0 : 2.0) / (1.5 * kFrame));
      cosines[bin] = scale * re[f * kBins + bin], sines[bin] = -scale * im[f * kBins + bin];
    }
    for (std::size_t n = 0; n < kFrame; ++n) {
      double sum = 0;
      for (int bin = 0; bin < kBins; ++bin)
        sum += cosines[bin] * kWindows.cosine[n][bin] + sines[bin] * kWindows.sine[n][bin];
      sound[f * kHop + n] += sum;
    }
  }
}

}  // namespace

HighPass::HighPass(std::span<const double> corners_hz, double rate_hz) : count_(corners_hz.size()) {
  constexpr double kQ[2] = {0.541196100146197, 1.306562964876377};
  for (int s = 0; s < 2; ++s) {
    sections_[s].resize((count_ + kTogether - 1) / kTogether);
    for (std::size_t row = 0; row < count_; ++row) {
      const Biquad f = cookbook_section(PassKind::kHighpass, corners_hz[row], kQ[s], rate_hz);
      sections_[s][row / kTogether][row % kTogether] = {.b0 = f.b0, .a1 = f.a1, .a2 = f.a2};
    }
  }
}

inline double HighPass::Section::next(double x) {
  const double y = b0 * x + first;
  first = -2 * b0 * x - a1 * y + second;
  second = b0 * x - a2 * y;
  return y;
}

void HighPass::run(float* sounds, std::size_t stride, int frames) {
  for (std::size_t group = 0; group < sections_[0].size(); ++group) {
    std::array<Section, kTogether> sections[2] = {sections_[0][group], sections_[1][group]};
    float* rows[kTogether];
    float unused[kTogether] = {};
    const std::size_t present = std::min(kTogether, count_ - group * kTogether);
    std::size_t step[kTogether];
    for (std::size_t j = 0; j < kTogether; ++j) {
      rows[j] = j < present ? sounds + (group * kTogether + j) * stride : unused + j;
      step[j] = j < present ? 1 : 0;
    }
    for (int t = 0; t < frames; ++t) {
      for (std::size_t j = 0; j < kTogether; ++j) {
        *rows[j] = static_cast<float>(sections[1][j].next(sections[0][j].next(*rows[j])));
        rows[j] += step[j];
      }
    }
    sections_[0][group] = sections[0], sections_[1][group] = sections[1];
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
    kernel_.push_back(static_cast<float>(i == 0 ? 1 : window * std::sin(kPi * x) / (kPi * x)));
  }
}

std::vector<double> LowEnd::wanted_power(const Power& power, std::size_t frames) const {
  constexpr int kPoints = 16;  // a window
  const double low_rate = rate_hz_ / ratio_, window_s = kFrame / low_rate;
  double weight[kPoints];
  for (int i = 0; i < kPoints; ++i) weight[i] = std::pow(hann((i + 0.5) / kPoints), 2) / kPoints;
  std::vector<double> wanted(frames * kBins, 0.0);
  for (int k = 0; k < bands_; ++k) {
    for (std::size_t f = 0; f < frames; ++f) {
      const double start = static_cast<double>(f) * kHop / low_rate - window_s / 2;
      double mean = 0;
      for (int i = 0; i < kPoints; ++i) {
        const double t = start + (i + 0.5) / kPoints * window_s;
        if (t >= 0) mean += weight[i] * power(k, t);
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
    const std::ptrdiff_t from = std::max<std::ptrdiff_t>(0, middle - reach), to = std::min(end, middle + reach + 1);
    add_scaled(static_cast<float>(change), kernel_.data() + (from - middle + reach), sound.data() + from,
               static_cast<int>(to - from));
  }
}

}  // namespace diffverb::runtime
