#include "core/acoustics/spectrogram_distance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "core/acoustics/fft.h"

namespace diffverb::acoustics {
namespace {

constexpr std::size_t kFftSize = 1024;
constexpr std::size_t kHop = 256;
constexpr std::size_t kBins = kFftSize / 2 + 1;
constexpr std::size_t kFrames = 128;
constexpr std::size_t kFewestNoiseFrames = 3;
constexpr double kSpan = 1e-8;  // 80 dB

using Spectrogram = std::vector<std::vector<double>>;  // [frame][bin], power

Spectrogram power_spectrogram(std::span<const double> signal, std::size_t frames) {
  static constexpr std::ptrdiff_t half = kFftSize / 2;
  std::vector<double> window(kFftSize);
  for (std::size_t i = 0; i < kFftSize; ++i) {
    window[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / kFftSize);
  }
  const RealFft fft(kFftSize);
  Spectrogram result;
  std::vector<double> frame(kFftSize);
  for (std::size_t f = 0; f < frames; ++f) {
    const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(f * kHop) - half;
    for (std::size_t i = 0; i < kFftSize; ++i) {
      const std::ptrdiff_t at = start + static_cast<std::ptrdiff_t>(i);
      const bool inside = at >= 0 && at < static_cast<std::ptrdiff_t>(signal.size());
      frame[i] = inside ? window[i] * signal[static_cast<std::size_t>(at)] : 0.0;
    }
    const auto spectrum = fft(frame);
    std::vector<double> power(kBins);
    std::transform(spectrum.begin(), spectrum.end(), power.begin(), [](const auto& bin) { return std::norm(bin); });
    result.push_back(std::move(power));
  }
  return result;
}

std::vector<double> floor_by_bin(const Spectrogram& target, std::size_t noise_frame) {
  double largest = 0;
  for (const auto& frame : target) largest = std::max(largest, *std::max_element(frame.begin(), frame.end()));
  std::vector<double> floor(kBins, largest * kSpan);
  if (noise_frame + kFewestNoiseFrames > target.size()) return floor;
  for (std::size_t k = 0; k < kBins; ++k) {
    double sum = 0;
    for (std::size_t f = noise_frame; f < target.size(); ++f) sum += target[f][k];
    floor[k] = std::max(floor[k], sum / static_cast<double>(target.size() - noise_frame));
  }
  return floor;
}

// First bin of each band, and one past the last.
std::vector<std::size_t> third_octave_edges() {
  std::vector<std::size_t> edges = {0, 1};
  while (edges.back() < kBins) {
    const auto next = static_cast<std::size_t>(std::lround(static_cast<double>(edges.back()) * std::exp2(1.0 / 3)));
    edges.push_back(std::min(kBins, std::max(edges.back() + 1, next)));
  }
  return edges;
}

// Power mean over third octaves and three frames, of power not below the floor.
Spectrogram smooth(const Spectrogram& power, const std::vector<double>& floor, const std::vector<std::size_t>& edges) {
  Spectrogram bands;
  for (const auto& frame : power) {
    std::vector<double> means;
    for (std::size_t b = 0; b + 1 < edges.size(); ++b) {
      double sum = 0;
      for (std::size_t k = edges[b]; k < edges[b + 1]; ++k) sum += std::max(frame[k], floor[k]);
      means.push_back(sum / static_cast<double>(edges[b + 1] - edges[b]));
    }
    bands.push_back(std::move(means));
  }
  Spectrogram smoothed = bands;
  for (std::size_t f = 0; f < bands.size(); ++f) {
    const std::size_t from = f == 0 ? 0 : f - 1, to = std::min(bands.size(), f + 2);
    for (std::size_t b = 0; b < bands[f].size(); ++b) {
      double sum = 0;
      for (std::size_t g = from; g < to; ++g) sum += bands[g][b];
      smoothed[f][b] = sum / static_cast<double>(to - from);
    }
  }
  return smoothed;
}

double distance_db(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double difference = 10 * std::log10(a[k] / b[k]);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(a.size()));
}

void raise_to(Spectrogram& power, const std::vector<double>& floor) {
  for (auto& frame : power) {
    for (std::size_t k = 0; k < kBins; ++k) frame[k] = std::max(frame[k], floor[k]);
  }
}

}  // namespace

SpectrogramDistance compare_spectrograms(std::span<const double> target, std::span<const double> other,
                                         std::size_t noise_from) {
  if (target.empty()) return {};
  // Frames behind the first 128 serve the noise estimate only.
  const std::size_t all = target.size() / kHop + 1;
  const Spectrogram everything = power_spectrogram(target, all);
  const std::vector<double> floor = floor_by_bin(everything, noise_from / kHop + 2);
  if (!(*std::max_element(floor.begin(), floor.end()) > 0)) return {};
  const std::size_t frames = std::min({all, kFrames, noise_from / kHop + 1});
  Spectrogram a(everything.begin(), everything.begin() + static_cast<std::ptrdiff_t>(frames));
  Spectrogram b = power_spectrogram(other, frames);
  const std::vector<std::size_t> edges = third_octave_edges();
  const Spectrogram smooth_a = smooth(a, floor, edges), smooth_b = smooth(b, floor, edges);
  double raw = 0, smoothed = 0;
  std::size_t counted = 0;
  std::vector<bool> silent;
  for (const auto& frame : a) {
    bool below = true;
    for (std::size_t k = 0; k < kBins && below; ++k) below = frame[k] <= floor[k];
    silent.push_back(below);
  }
  raise_to(a, floor);
  raise_to(b, floor);
  for (std::size_t f = 0; f < frames; ++f) {
    if (silent[f]) continue;
    raw += distance_db(a[f], b[f]);
    smoothed += distance_db(smooth_a[f], smooth_b[f]);
    ++counted;
  }
  if (counted == 0) return {};
  return {raw / static_cast<double>(counted), smoothed / static_cast<double>(counted)};
}

}  // namespace diffverb::acoustics
