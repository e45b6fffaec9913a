#include "runtime/variation/loop_measurement.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

#include "runtime/delay_network_player.h"
#include "runtime/denormals.h"
#include "runtime/transform.h"
#include "runtime/variation/octave_bands.h"

namespace diffverb::runtime {
namespace {

constexpr int kOutputs = 4;
constexpr std::size_t kWindow = 2048, kHop = 1024;
constexpr double kLongest_s = 8, kSilence = 1e-6;  // of the loudest window's energy

/// The lines by themselves, fed and heard with gains of 1 whose signs differ.
DelayNetworkWeights loop_alone(const DelayNetworkWeights& w, const std::vector<int>& lines) {
  DelayNetworkWeights loop;
  loop.sample_rate_hz = w.sample_rate_hz;
  loop.lines = static_cast<int>(lines.size()), loop.inputs = 1, loop.outputs = kOutputs;
  loop.line_sections = w.line_sections;
  const auto length = static_cast<std::ptrdiff_t>(w.line_sections) * 5;
  for (const int j : lines) {
    for (const int k : lines)
      loop.A.push_back(
          w.A[static_cast<std::size_t>(j) * static_cast<std::size_t>(w.lines) + static_cast<std::size_t>(k)]);
    loop.delays.push_back(w.delays[static_cast<std::size_t>(j)]);
    const auto sos = w.line_sos.begin() + j * length;
    loop.line_sos.insert(loop.line_sos.end(), sos, sos + length);
  }
  loop.B.assign(lines.size(), 1.0f);
  for (std::size_t i = 0; i < lines.size() * kOutputs; ++i)
    loop.C.push_back(std::sin(1.7 * static_cast<double>(i * i) + 0.3) < 0 ? -1.0f : 1.0f);
  loop.D.assign(kOutputs, 0.0f);
  return loop;
}

/// Energies of windows in octaves, one window after the other. [K][windows]
class OctaveEnergies {
 public:
  explicit OctaveEnergies(double rate_hz) : rate_hz_(rate_hz), centres_(octave_centres(rate_hz)) {
    energies_.resize(centres_.size());
  }

  void add(const std::vector<std::vector<double>>& sounds) {
    for (auto& band : energies_) band.push_back(0);
    for (std::size_t s = 0; s + 1 < sounds.size(); s += 2) {  // two real sounds in one transform
      std::vector<std::complex<double>> values(kWindow);
      for (std::size_t n = 0; n < kWindow; ++n) {
        const double share = std::sin(std::numbers::pi * (static_cast<double>(n) + 0.5) / kWindow);
        values[n] = std::complex(sounds[s][n], sounds[s + 1][n]) * share * share;
      }
      transform(values, false);
      for (std::size_t i = 1; i < kWindow / 2; ++i) {
        const double octave = std::log2(static_cast<double>(i) * rate_hz_ / kWindow / centres_[0]);
        const long band = std::clamp(std::lround(octave), 0L, static_cast<long>(centres_.size()) - 1);
        energies_[static_cast<std::size_t>(band)].back() += std::norm(values[i]) + std::norm(values[kWindow - i]);
      }
    }
  }

  bool is_silent() const {
    for (const auto& band : energies_) {
      if (band.back() > kSilence * *std::max_element(band.begin(), band.end())) return false;
    }
    return true;
  }

  /// Rates at the frequencies, of bands that do not decay as their neighbours do.
  std::vector<double> rates(const std::vector<double>& hz) const {
    std::vector<double> known_hz, known;
    for (std::size_t k = 0; k < centres_.size(); ++k) {
      const auto rate = decay_rate(energies_[k], kHop / rate_hz_);
      if (rate) known_hz.push_back(centres_[k]), known.push_back(*rate);
    }
    std::vector<double> out;
    for (const double f : hz) out.push_back(known.empty() ? 0 : value_at(known_hz, known, f));
    return out;
  }

 private:
  double rate_hz_;
  std::vector<double> centres_;
  std::vector<std::vector<double>> energies_;
};

}  // namespace

std::vector<double> measured_rates(const DelayNetworkWeights& w, const std::vector<int>& lines,
                                   const std::vector<double>& hz) {
  constexpr std::size_t kChunk = DelayNetworkPlayer::kChunk, kStride = DelayNetworkPlayer::kStride;
  const FlushDenormals flush;
  DelayNetworkPlayer player(loop_alone(w, lines));
  std::vector<float> out(kOutputs * kStride);
  std::vector<std::vector<double>> sounds(kOutputs, std::vector<double>(kWindow, 0.0));
  OctaveEnergies energies(w.sample_rate_hz);
  const auto windows = static_cast<std::size_t>(kLongest_s * w.sample_rate_hz) / kHop;
  for (std::size_t window = 0; window < windows; ++window) {
    for (auto& sound : sounds) std::copy(sound.begin() + kHop, sound.end(), sound.begin());
    for (std::size_t at = kWindow - kHop; at < kWindow; at += kChunk) {
      std::fill_n(player.input(), kStride, 0.0f);
      player.input()[0] = window == 0 && at == kWindow - kHop ? 1 : 0;
      player.process(out.data(), static_cast<int>(kChunk));
      for (std::size_t o = 0; o < sounds.size(); ++o)
        std::copy_n(out.data() + o * kStride, kChunk, sounds[o].begin() + static_cast<std::ptrdiff_t>(at));
    }
    energies.add(sounds);
    if (window > 8 && energies.is_silent()) break;
  }
  return energies.rates(hz);
}

}  // namespace diffverb::runtime
