#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace diffverb {

/// How one frequency's energy decays behind the loudest moment, and where it sinks into steady noise.
struct DecayInNoise {
  std::int64_t knee = 0;  // the first block in which the noise is the stronger one; the last block + 1: never
  /// Energy without the noise at block n, from the knee on: exp(log_energy - rate n). Nothing where the decay does not
  /// stand 10 dB above the noise or does not fall: what is there cannot be told from the noise.
  struct Course {
    double log_energy = 0, rate = 0;
    double energy_at(double block) const;
  };
  std::optional<Course> course;
};

/// Least squares of the energies themselves, each at the weight of its own spread, 1 / (a e^{-b n} + N)^2, from where the
/// decay last stands 15 dB above the noise to half as far again behind the knee: what is below the noise still counts,
/// and noise is not bent upwards by a logarithm.
///
/// Reads    energies [B] of blocks in time, noise included; noise: its share of each; loudest: the block that the decay
///          follows
DecayInNoise find_decay_in_noise(const std::vector<double>& energies, double noise, std::int64_t loudest);

}  // namespace diffverb
