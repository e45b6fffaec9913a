#pragma once

#include <optional>
#include <span>
#include <vector>

namespace diffverb::acoustics {

/// Echo density over time: how Gaussian the response is in a short window.
///
///   eta(t) = 1 / erfc(1 / sqrt 2) * sum_s w(s - t) [ |h(s)| > sigma(t) ],   sigma(t)^2 = sum_s w(s - t) h(s)^2
///
/// w is a Hann window of window_s that sums to 1 over the samples it covers; 0 for a few echoes, about 1 in a diffuse
/// tail.
/// Source   Abel and Huang, A simple, robust measure of reverberation echo density, AES 121 (2006)
struct EchoDensity {
  static constexpr double window_s = 0.025;
  static constexpr double step_s = 0.0025;
  std::vector<double> profile;          ///< eta at k * step_s after the first sample
  std::optional<double> mixing_time_s;  ///< first time that eta reaches kMixed; nothing where it never does
};

/// Echo density that counts as mixed: what remains below 1 is the estimate's own scatter in a window of 25 ms.
inline constexpr double kMixed = 0.95;

/// Reads    response [T], onset at index 0. Throws ContractError unless rate_hz > 0
EchoDensity measure_echo_density(std::span<const double> response, double rate_hz);

/// First time that the profile reaches a density; nothing where it never does.
std::optional<double> time_of_density_s(const EchoDensity& density, double eta);

/// Mean of the profile over [from_s, to_s); nothing where that holds no point.
std::optional<double> mean_echo_density(const EchoDensity& density, double from_s, double to_s);

}  // namespace diffverb::acoustics
