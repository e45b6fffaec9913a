#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace diffverb {

/// A seed of its own for each purpose, from the run's one seed: a part that draws more numbers changes no other part.
///
/// splitmix64 over the seed and an FNV-1a hash of the purpose's name; the same on every machine.
std::uint64_t derive_seed(std::uint64_t seed, const std::string& purpose);

/// Random numbers that are the same with every standard library: std::mt19937_64 is fixed by the standard, its
/// distributions are not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  Random(std::uint64_t seed, const std::string& purpose) : engine_(derive_seed(seed, purpose)) {}

  double uniform();                                           // [0, 1)
  double uniform(double low, double high);                    // [low, high)
  double normal();                                            // mean 0, variance 1
  std::int64_t integer(std::int64_t low, std::int64_t high);  // low .. high, both included

 private:
  std::mt19937_64 engine_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace diffverb
