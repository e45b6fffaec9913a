#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "datasets/simulate/air.h"
#include "datasets/simulate/energy_decay.h"
#include "datasets/simulate/fractional_delay.h"
#include "datasets/simulate/image_source.h"

namespace diffverb {

/// The octave bands of a rate: 125 Hz .. 16 kHz, as far as they begin below 0.9 of half of the rate. The lowest takes
/// all that is below it, the highest all above.
std::vector<double> simulation_bands_hz(double rate_hz);
/// Where each ends and the next begins: centre sqrt(2).
std::vector<double> band_edges_hz(const std::vector<double>& bands_hz);

/// A room without its sources and receivers.
struct SimulatedRoom {
  Point size_m{};
  std::array<std::vector<double>, 6> absorption;  // energy, [6][K], walls in the order of Shoebox
  std::vector<double> scattering;                 // [K] share of energy that a reflection scatters, [0, 1)
  std::vector<double> air_per_m;                  // [K] energy; zeros where air takes nothing
  double speed_m_s = 343;
  double jitter_m = 0;

  std::size_t bands() const { return scattering.size(); }
};

struct SimulationSettings {
  double rate_hz = 48000;
  int taps = 81, phases = 64;
  double max_images = 50000;     // drawn one by one; noise follows
  std::optional<int> max_order;  // of the images that are drawn
  bool tail = true;              // noise where the images end, and for what reflections scatter
  double high_pass_hz = 20;      // 0 for none
};

/// How far images are drawn: to max_images, and no farther than images of max_order are complete; the direct sound is
/// always among them.
double image_reach_m(const SimulatedRoom& room, const SimulationSettings& settings, double direct_m);

/// One response: images up to a distance, weakened by what their reflections scatter, then noise.
///
/// Noise of band b at sample n has the variance that images of the same energy would have,
///
///   4 pi c / (V rate) (diffuse_b(t) + specular_b(t) (1 - w(t)^2)) exp(-m_b c t),
///
/// w being the amplitude of the images' fade: the energy is continuous through the splice. Early on, the noise
/// consists of single impulses, ten times as many as there are images: a rough surface sends a sound on in many ways.
/// All bands share one noise, so that they add up to white noise where they decay alike.
///
/// Reads    room, its energy_decay() over at least the length, positions inside; a direct sound has the amplitude 1 at
///          1 m, and leaves at sample 0
/// Returns  [samples]; the same bits for the same seed
/// Throws   ContractError as image_source()
std::vector<float> simulate_response(const SimulatedRoom& room, const EnergyDecay& decay, const Point& source_m,
                                     const Point& receiver_m, std::size_t samples, const SimulationSettings& settings,
                                     const FractionalDelay& delay, std::uint64_t seed);

}  // namespace diffverb
