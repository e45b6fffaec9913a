#include "models/primes.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>

#include "core/seed.h"

namespace diffverb {
namespace {

bool is_prime(std::int64_t n) {
  for (std::int64_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

}  // namespace

at::Tensor primes_at(const at::Tensor& samples, double scale, double spread) {
  if (samples.requires_grad()) return (samples + spread) * scale;
  auto primes = at::empty_like(samples);
  for (std::int64_t i = 0; i < samples.numel(); ++i) {
    auto n = static_cast<std::int64_t>(samples.const_data_ptr<double>()[i] * scale) +
             static_cast<std::int64_t>(spread * scale);
    n = std::max<std::int64_t>(n, 3);
    while (!is_prime(n)) ++n;
    primes.mutable_data_ptr<double>()[i] = static_cast<double>(n);
  }
  return primes;
}

std::vector<double> prime_delays(std::int64_t count, double shortest, double longest, std::uint64_t seed) {
  Random random(seed, "prime_delays");
  std::vector<double> delays;
  for (std::int64_t j = 0; j < count; ++j) {
    const double place = (static_cast<double>(j) + random.uniform()) / static_cast<double>(count);
    auto n = std::max<std::int64_t>(3, std::llround(shortest * std::pow(longest / shortest, place)));
    while (!is_prime(n) || std::count(delays.begin(), delays.end(), static_cast<double>(n)) > 0) ++n;
    delays.push_back(static_cast<double>(n));
  }
  return delays;
}

}  // namespace diffverb
