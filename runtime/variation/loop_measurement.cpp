#include "runtime/variation/loop_measurement.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <numeric>

#include "runtime/delay_network_player.h"
#include "runtime/denormals.h"
#include "runtime/transform.h"
#include "runtime/variation/octave_bands.h"

namespace diffverb::runtime {
namespace {

constexpr std::size_t kWindow = 2048, kHop = 1024, kLeastGap = 4;  // the gap in hops
constexpr double kLongest_s = 8, kSilence = 1e-6;                  // of the loudest window's energy

/// The lines at rest, all that is linear of them.
DelayNetworkWeights lines_alone(const DelayNetworkWeights& w) {
  DelayNetworkWeights alone;
  alone.sample_rate_hz = w.sample_rate_hz;
  alone.lines = w.lines, alone.inputs = w.inputs, alone.outputs = w.outputs, alone.line_sections = w.line_sections;
  alone.A = w.A, alone.B = w.B, alone.C = w.C, alone.delays = w.delays, alone.line_sos = w.line_sos;
  alone.D.assign(w.D.size(), 0.0f);
  return alone;
}

/// What has not fallen silent in the time that was played goes on as its last quarter fell from the one before: without
/// that its Schroeder integral would end with the sound, and slow decays would seem faster than they are.
std::vector<double> continued(std::vector<double> energies) {
  constexpr std::size_t kMostTimes = 16;  // as long
  const std::size_t quarter = energies.size() / 4, most = kMostTimes * energies.size();
  const auto sum = [&](std::size_t before_end) {
    const auto end = energies.end() - static_cast<std::ptrdiff_t>(before_end);
    return std::accumulate(end - static_cast<std::ptrdiff_t>(quarter), end, 0.0);
  };
  const double before = quarter > 0 ? sum(quarter) : 0, last = quarter > 0 ? sum(0) : 0;
  if (!(last > 0 && last < before)) return energies;
  const double each = std::pow(last / before, 1 / static_cast<double>(quarter));
  const double silence = kSilence * *std::max_element(energies.begin(), energies.end());
  double energy =
      last / static_cast<double>(quarter) * std::sqrt(last / before);  // the last quarter's mean, at its end
  for (; energy > silence && energies.size() < most; energy *= each) energies.push_back(energy);
  return energies;
}

/// Energies of windows in octaves, one window after the other. [K][windows]
class OctaveEnergies {
 public:
  explicit OctaveEnergies(double rate_hz) : rate_hz_(rate_hz), centres_(octave_centres(rate_hz)) {
    energies_.resize(centres_.size());
    for (std::size_t n = 0; n < kWindow; ++n)
      window_.push_back(std::sin(std::numbers::pi * (static_cast<double>(n) + 0.5) / kWindow));
    for (std::size_t i = 1; i < kWindow / 2; ++i) {
      const double octave = std::log2(static_cast<double>(i) * rate_hz_ / kWindow / centres_[0]);
      const long band = std::clamp(std::lround(octave), 0L, static_cast<long>(centres_.size()) - 1);
      band_of_bin_.push_back(static_cast<std::size_t>(band));
    }
  }

  void add(const std::vector<std::vector<double>>& sounds) {
    for (auto& band : energies_) band.push_back(0);
    for (std::size_t s = 0; s < sounds.size(); s += 2) {  // two real sounds in one transform
      const auto& second = sounds[std::min(s + 1, sounds.size() - 1)];
      std::vector<std::complex<double>> values(kWindow);
      for (std::size_t n = 0; n < kWindow; ++n)
        values[n] = std::complex(sounds[s][n], second[n]) * window_[n] * window_[n];
      transform(values, false);
      for (std::size_t i = 1; i < kWindow / 2; ++i)
        energies_[band_of_bin_[i - 1]].back() += std::norm(values[i]) + std::norm(values[kWindow - i]);
    }
  }

  /// After it has sounded.
  bool is_silent() const {
    bool has_sounded = false;
    for (const auto& band : energies_) {
      const double most = *std::max_element(band.begin(), band.end());
      if (band.back() > kSilence * most) return false;
      has_sounded = has_sounded || most > 0;
    }
    return has_sounded;
  }

  /// Rates at the frequencies, of bands that do not decay as their neighbours do.
  std::vector<double> rates(const std::vector<double>& hz) const {
    std::vector<double> known_hz, known;
    for (std::size_t k = 0; k < centres_.size(); ++k) {
      const auto rate = decay_rate(continued(energies_[k]), kHop / rate_hz_);
      if (rate) known_hz.push_back(centres_[k]), known.push_back(*rate);
    }
    std::vector<double> out;
    for (const double f : hz) out.push_back(known.empty() ? 0 : value_at(known_hz, known, f));
    return out;
  }

 private:
  double rate_hz_;
  std::vector<double> centres_, window_;
  std::vector<std::size_t> band_of_bin_;  // from bin 1 on
  std::vector<std::vector<double>> energies_;
};

}  // namespace

std::vector<double> measured_rates(const DelayNetworkWeights& w, const std::vector<double>& hz) {
  constexpr std::size_t kChunk = DelayNetworkPlayer::kChunk, kStride = DelayNetworkPlayer::kStride;
  const FlushDenormals flush;
  DelayNetworkPlayer player(lines_alone(w));
  const auto inputs = static_cast<std::size_t>(w.inputs), outputs = static_cast<std::size_t>(w.outputs);
  std::vector<float> out(outputs * kStride);
  std::vector<std::vector<double>> sounds(outputs, std::vector<double>(kWindow, 0.0));
  OctaveEnergies energies(w.sample_rate_hz);
  const auto windows = static_cast<std::size_t>(kLongest_s * w.sample_rate_hz) / kHop;
  // Between two echoes it may be silent too.
  const auto longest_gap =
      kLeastGap + 2 * static_cast<std::size_t>(*std::max_element(w.delays.begin(), w.delays.end())) / kHop;
  std::size_t silent = 0;
  for (std::size_t window = 0; window < windows; ++window) {
    for (auto& sound : sounds) std::copy(sound.begin() + kHop, sound.end(), sound.begin());
    for (std::size_t at = kWindow - kHop; at < kWindow; at += kChunk) {
      std::fill_n(player.input(), inputs * kStride, 0.0f);
      const bool begins = window == 0 && at == kWindow - kHop;
      for (std::size_t i = 0; i < inputs; ++i) player.input()[i * kStride] = begins ? 1 : 0;
      player.process(out.data(), static_cast<int>(kChunk));
      for (std::size_t o = 0; o < outputs; ++o)
        std::copy_n(out.data() + o * kStride, kChunk, sounds[o].begin() + static_cast<std::ptrdiff_t>(at));
    }
    energies.add(sounds);
    silent = energies.is_silent() ? silent + 1 : 0;
    if (silent > longest_gap) break;
  }
  return energies.rates(hz);
}

}  // namespace diffverb::runtime
