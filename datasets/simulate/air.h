#pragma once

namespace diffverb {

/// The air of a room.
struct Air {
  double temperature_c = 20;
  double humidity_pct = 50;
  double pressure_kpa = 101.325;
};

/// Speed of sound in dry air: 331.3 sqrt(1 + temperature / 273.15) m/s.
double speed_of_sound_m_s(const Air& air);

/// Energy attenuation of a pure tone, 1/m: energy falls by exp(-m d) over d metres.
///
/// Source   ISO 9613-1:1993, equations 3 to 5 and B.1 to B.3; m = alpha / (10 log10 e) for its alpha in dB/m
double air_absorption_per_m(const Air& air, double hz);

}  // namespace diffverb
