#include "core/seed.h"

#include <cmath>

#include "core/error.h"

namespace diffverb {

std::uint64_t derive_seed(std::uint64_t seed, const std::string& purpose) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::uint64_t z = seed + hash + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double Random::uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  for (;;) {  // Marsaglia's polar method
    const double u = 2 * uniform() - 1, v = 2 * uniform() - 1, s = u * u + v * v;
    if (s >= 1 || s == 0) continue;
    const double scale = std::sqrt(-2 * std::log(s) / s);
    spare_ = v * scale;
    has_spare_ = true;
    return u * scale;
  }
}

std::int64_t Random::integer(std::int64_t low, std::int64_t high) {
  if (high < low) throw ContractError("Random::integer: the range is empty");
  const std::uint64_t count = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (count == 0) return static_cast<std::int64_t>(engine_());
  const std::uint64_t limit = std::uint64_t(-1) - std::uint64_t(-1) % count;
  std::uint64_t drawn = engine_();
  while (drawn >= limit) drawn = engine_();  // all remainders equally likely
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + drawn % count);
}

}  // namespace diffverb
