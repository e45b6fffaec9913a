#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "datasets/simulate/image_source.h"

namespace diffverb {

/// What the energy of a shoebox's sound field does, averaged over places: what images carry on the whole, without
/// drawing one of them.
///
/// Sound that goes in direction o meets the walls of axis a  c |o_a| / L_a  times a second. With R1, R2 the energy
/// reflection of its two walls and s the share that a reflection scatters:
///
///   dP(o)/dt = -(k(o) + q(o)) P(o) + q(o) / <q>  <q P>,
///   k(o) = -c sum_a |o_a| / (2 L_a) ln(R1_a R2_a),   q(o) = -c sum_a |o_a| / L_a ln(1 - s)
///
/// Without scattering <P> is the mean energy of the image source method, and falls slower than Eyring's formula where
/// absorption is uneven: what goes along the hard walls lives on. Scattering (Lambert's law: q(o) in the source term)
/// mixes directions and brings it near Eyring's. `specular` is what was never scattered, `diffuse` the rest.
///
/// Source   Lehmann and Johansson, Prediction of energy decay in room impulse responses simulated with an image-source
///          model, JASA 124 (2008), for s = 0; Kuttruff, Room Acoustics, chapter 5
struct EnergyDecay {
  double step_s = 0;
  std::size_t bands = 0, steps = 0;
  std::vector<double> specular, diffuse;  // [K, steps], at times 0, step_s, ...; their sum is 1 at time 0, no air

  double total(std::size_t band, std::size_t step) const {
    return specular[band * steps + step] + diffuse[band * steps + step];
  }
};

/// Reads    energy absorption [6][K] of the walls in the order of Shoebox, scattering [K] in [0, 1); directions squared
///          is the number of directions in an octant
/// Throws   ContractError on sizes, lengths or coefficients outside their ranges
EnergyDecay energy_decay(const Point& size_m, const std::array<std::vector<double>, 6>& absorption,
                         const std::vector<double>& scattering, double speed_m_s, double length_s,
                         double step_s = 0.002, int directions = 16);

/// T30 of a band: backward integration, least squares from -5 to -35 dB, the end continued as it falls; air_per_m as
/// air_absorption_per_m(). 0 where the decay falls less than 35 dB.
double decay_time_s(const EnergyDecay& decay, std::size_t band, double speed_m_s, double air_per_m);

double volume_m3(const Point& size_m);
double surface_m2(const Point& size_m);

/// 24 ln 10 V / (c (A + 4 m V)), A = -S ln(1 - mean absorption)  (Eyring 1930) or S mean absorption (Sabine).
double eyring_time_s(const Point& size_m, double mean_absorption, double speed_m_s, double air_per_m = 0);
double sabine_time_s(const Point& size_m, double mean_absorption, double speed_m_s, double air_per_m = 0);

/// The area of each wall over that of all.
std::array<double, 6> wall_shares(const Point& size_m);

}  // namespace diffverb
