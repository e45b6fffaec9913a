#pragma once

#include <torch/types.h>

namespace diffverb {

/// Delays for another rate, as CLM, STK and Freeverb3 choose them: the whole parts of samples * scale and of spread *
/// scale, then up to the next odd prime. Delays that are learned are scaled only.
torch::Tensor primes_at(const torch::Tensor& samples, double scale, double spread = 0);

}  // namespace diffverb
