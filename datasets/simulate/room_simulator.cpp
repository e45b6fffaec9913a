#include "datasets/simulate/room_simulator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/seed.h"
#include "datasets/simulate/band_sum.h"

namespace diffverb {
namespace {

constexpr double kFadeShare = 0.2;    // of the images' reach
constexpr double kAfterEndS = 0.03;   // computed beyond the end, for filters that run backwards
constexpr double kWaysPerImage = 10;  // a rough surface sends one sound on in many ways
constexpr double kLeastReach = 1.5;   // in direct distances

double distance_m(const Point& a, const Point& b) {
  return std::sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

/// White noise of variance 1 from sample `first` on; made of impulses while there are fewer ways than samples.
std::vector<float> sparse_noise(std::size_t first, std::size_t count, double volume, double speed_m_s, double rate_hz,
                                std::uint64_t seed) {
  Random random(seed, "tail");
  std::vector<float> noise(count, 0.0f);
  // Ways in sample n, over n^2.
  const double density = kWaysPerImage * 4 * std::numbers::pi * std::pow(speed_m_s / rate_hz, 3) / volume;
  for (std::size_t n = first; n < count; ++n) {
    const double ways = density * static_cast<double>(n) * static_cast<double>(n);
    if (ways < 1 && random.uniform() >= ways) continue;
    noise[n] = static_cast<float>(random.normal() / std::sqrt(std::min(ways, 1.0)));
  }
  return noise;
}

/// Amplitudes of the noise of one band, on the grid of the decay.
std::vector<float> tail_amplitudes(const EnergyDecay& decay, std::size_t band, double fade_from_s, double fade_s,
                                   double scale) {
  std::vector<float> out(decay.steps);
  for (std::size_t t = 0; t < decay.steps; ++t) {
    const double into = std::clamp((static_cast<double>(t) * decay.step_s - fade_from_s) / fade_s, 0.0, 1.0);
    const double faded = std::sin(0.5 * std::numbers::pi * into);
    const double energy =
        decay.diffuse[band * decay.steps + t] + decay.specular[band * decay.steps + t] * faded * faded;
    out[t] = static_cast<float>(std::sqrt(scale * energy));
  }
  return out;
}

/// train += noise amplitude, then what air leaves of both. Amplitudes stand `step` samples apart.
void add_tail(float* train, std::size_t count, const std::vector<float>& noise, const std::vector<float>& amplitudes,
              double step, double air_per_sample) {
  constexpr std::size_t kBlock = 64;
  const double per_sample = std::exp(-0.5 * air_per_sample);
  for (std::size_t from = 0; from < count; from += kBlock) {
    const std::size_t size = std::min(kBlock, count - from);
    const auto at = [&](std::size_t n) {
      const double place = static_cast<double>(n) / step;
      const auto k = std::min(static_cast<std::size_t>(place), amplitudes.size() - 2);
      const double share = std::min(place - static_cast<double>(k), 1.0);
      return (1 - share) * amplitudes[k] + share * amplitudes[k + 1];
    };
    const double start = at(from), slope = (at(from + kBlock) - start) / kBlock;
    const double air = std::exp(-0.5 * air_per_sample * static_cast<double>(from));
    const double air_slope = air * (std::pow(per_sample, kBlock) - 1) / kBlock;  // a straight line: blocks are short
    for (std::size_t i = 0; i < size; ++i) {
      const auto amplitude = static_cast<float>(start + slope * static_cast<double>(i));
      const auto left = static_cast<float>(air + air_slope * static_cast<double>(i));
      train[from + i] = (train[from + i] + noise[from + i] * amplitude) * left;
    }
  }
}

Shoebox make_shoebox(const SimulatedRoom& room, const Point& source_m, const Point& receiver_m, bool tail) {
  Shoebox box;
  box.size_m = room.size_m;
  box.source_m = source_m;
  box.receiver_m = receiver_m;
  box.speed_m_s = room.speed_m_s;
  for (int w = 0; w < 6; ++w) {
    if (room.absorption[w].size() != room.bands()) throw ContractError("simulate_response: bands of a wall differ");
    for (std::size_t b = 0; b < room.bands(); ++b) {
      const double stays = tail ? 1 - room.scattering[b] : 1;  // without noise nothing would replace what is scattered
      box.reflection[w].push_back(std::sqrt((1 - room.absorption[w][b]) * stays));
    }
  }
  return box;
}

}  // namespace

std::vector<double> simulation_bands_hz(double rate_hz) {
  std::vector<double> bands;
  for (double hz = 125; hz <= 16000; hz *= 2)
    if (bands.empty() || hz / std::numbers::sqrt2 < 0.9 * rate_hz / 2) bands.push_back(hz);
  return bands;
}

std::vector<double> band_edges_hz(const std::vector<double>& bands_hz) {
  std::vector<double> edges;
  for (std::size_t b = 0; b + 1 < bands_hz.size(); ++b) edges.push_back(bands_hz[b] * std::numbers::sqrt2);
  return edges;
}

double image_reach_m(const SimulatedRoom& room, const SimulationSettings& settings, double direct_m) {
  double reach = std::cbrt(settings.max_images * 3 * volume_m3(room.size_m) / (4 * std::numbers::pi));
  if (settings.max_order) {
    double per_m = 0;  // the most reflections that a metre can bring
    for (const double size : room.size_m) per_m += 1 / (size * size);
    reach = std::min(reach, (*settings.max_order + 0.5) / std::sqrt(per_m));
  }
  return std::max(reach, kLeastReach * direct_m);
}

std::vector<float> simulate_response(const SimulatedRoom& room, const EnergyDecay& decay, const Point& source_m,
                                     const Point& receiver_m, std::size_t samples, const SimulationSettings& settings,
                                     const FractionalDelay& delay, std::uint64_t seed) {
  const double rate = settings.rate_hz, speed = room.speed_m_s;
  const auto bands_hz = simulation_bands_hz(rate);
  if (bands_hz.size() != room.bands() || decay.bands != room.bands() || room.air_per_m.size() != room.bands())
    throw ContractError("simulate_response: the room has other bands than the rate asks for");
  const double direct_m = distance_m(source_m, receiver_m);
  const double reach_m = image_reach_m(room, settings, direct_m);
  ImageLimits limits;
  limits.max_distance_m = reach_m;
  limits.fade_m = settings.tail ? kFadeShare * reach_m : 0;
  limits.jitter_m = room.jitter_m;
  limits.jitter_seed = seed;
  if (!settings.tail && settings.max_order) {  // nothing has to follow without a gap: the plain set of images
    limits.max_order = *settings.max_order;
    limits.max_distance_m = std::numeric_limits<double>::infinity();
  }
  const std::size_t computed = samples + static_cast<std::size_t>(kAfterEndS * rate);
  BandTrains trains =
      image_source(make_shoebox(room, source_m, receiver_m, settings.tail), limits, delay, computed, rate);
  trains.samples = samples;

  const std::size_t count = trains.stride - trains.lead;
  const auto first = static_cast<std::size_t>(direct_m / speed * rate) + 1;
  const double volume = volume_m3(room.size_m);
  const auto noise = settings.tail ? sparse_noise(first, count, volume, speed, rate, seed) : std::vector<float>(count);
  const double scale = settings.tail ? 4 * std::numbers::pi * speed / (volume * rate) : 0;
  for (std::size_t b = 0; b < trains.bands; ++b) {
    const auto amplitudes =
        tail_amplitudes(decay, b, (reach_m - limits.fade_m) / speed, std::max(limits.fade_m / speed, 1e-6), scale);
    add_tail(trains.band(b) + trains.lead, count, noise, amplitudes, decay.step_s * rate,
             room.air_per_m[b] * speed / rate);
  }
  return sum_bands(trains, band_edges_hz(bands_hz), settings.high_pass_hz, rate);
}

}  // namespace diffverb
