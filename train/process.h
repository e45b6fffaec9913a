#pragma once

namespace diffverb {

/// Same seed, same result; and large tensors stay mapped between steps: unmapping them costs up to three times the
/// work. `threads` is how many the calling thread may work with; each thread of a batch says its own. Not deterministic
/// on a GPU: running sums have no such kernel there, and would be refused.
void tune_process(int threads, bool deterministic = true);

}  // namespace diffverb
