#pragma once

#include <cstdint>
#include <optional>

#include "core/tensor.h"
#include "datasets/measure/sweep.h"

namespace diffverb {

/// When a recording first hears a sweep through a space without a direct sound: a plate, a far room in noise, where no single
/// lag stands out (pair_relation.h). The response that division gives is taken by octaves k, its energy in blocks of 10 ms:
///
///   after_k(n), before_k(n)   in the 50 ms behind and before n
///   rise(n) = sum_k (after_k - before_k) / sum_n E_k
///
/// The arrival is the largest rise of those where six tenths of the octaves have after_k > 3 before_k: a space begins at
/// all frequencies at once. A sweep of another length or kind and any other sound stand at another lag in each octave, as
/// this sweep plays one frequency after the other; a periodic sequence, which plays all of them all the time, has no such
/// mark.
///
/// Reads    recorded [T] float64 at the sweep's rate, without DC
/// Returns  the delay of the sweep's sound in samples, 10 to 20 ms early; nothing for a periodic sweep and where there is
///          no such rise
std::optional<std::int64_t> find_diffuse_arrival(const at::Tensor& recorded, const Sweep& sweep);

}  // namespace diffverb
