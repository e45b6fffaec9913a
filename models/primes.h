#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Delays for another rate, as CLM, STK and Freeverb3 choose them: the whole parts of samples * scale and of spread *
/// scale, then up to the next odd prime. Delays that are learned are scaled only.
at::Tensor primes_at(const at::Tensor& samples, double scale, double spread = 0);

/// As many different primes, in samples, as evenly over log length from `shortest` to `longest` as a draw from each of
/// `count` equal parts is; rounded up to the next prime that is free. No two have a common period.
std::vector<double> prime_delays(std::int64_t count, double shortest, double longest, std::uint64_t seed);

}  // namespace diffverb
