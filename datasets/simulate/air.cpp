#include "datasets/simulate/air.h"

#include <cmath>
#include <numbers>

namespace diffverb {

double speed_of_sound_m_s(const Air& air) { return 331.3 * std::sqrt(1 + air.temperature_c / 273.15); }

double air_absorption_per_m(const Air& air, double hz) {
  constexpr double kReferenceK = 293.15, kTripleK = 273.16, kReferenceKpa = 101.325;
  const double kelvin = air.temperature_c + 273.15, warmth = kelvin / kReferenceK;
  const double pressure = air.pressure_kpa / kReferenceKpa;
  const double saturation = std::pow(10, -6.8346 * std::pow(kTripleK / kelvin, 1.261) + 4.6151);
  const double h = air.humidity_pct * saturation / pressure;
  const double oxygen_hz = pressure * (24 + 4.04e4 * h * (0.02 + h) / (0.391 + h));
  const double nitrogen_hz =
      pressure / std::sqrt(warmth) * (9 + 280 * h * std::exp(-4.170 * (std::pow(warmth, -1.0 / 3) - 1)));
  const double f2 = hz * hz;
  const double relaxation = 0.01275 * std::exp(-2239.1 / kelvin) / (oxygen_hz + f2 / oxygen_hz) +
                            0.1068 * std::exp(-3352.0 / kelvin) / (nitrogen_hz + f2 / nitrogen_hz);
  const double db_per_m = 8.686 * f2 * (1.84e-11 / pressure * std::sqrt(warmth) + std::pow(warmth, -2.5) * relaxation);
  return db_per_m / (10 * std::numbers::log10e);
}

}  // namespace diffverb
