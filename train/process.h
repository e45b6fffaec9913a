#pragma once

namespace diffverb {

/// Same seed, same result; and large tensors stay mapped between steps: unmapping them costs up to three times the
/// work.
void tune_process(int threads);

}  // namespace diffverb
