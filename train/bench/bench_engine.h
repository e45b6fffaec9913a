#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

struct EngineBenchOptions {
  double seconds = 60;
  int turns = 5, block = 64;
  bool with_peers = true;
};

/// What a sound of noise, 48 kHz stereo, takes through the runtime engine and through its peers, in turns, one core: CPU
/// time of the thread that plays, denormals flushed, the least of the turns. Peers are programs of their own, built when
/// asked for; one that is not installed is left out with a line on stderr. ours_ms and peer_ms are of the whole sound;
/// `real_time`: seconds of sound a second; `worst_block_pct`, `peer_worst_block_pct`: the longest block of ten seconds of
/// it against its period, the least of the turns (a turn that was disturbed does not count).
/// Reverberators are not equal to their peers; they do the same job. Convolution is the same work.
std::vector<std::function<BenchResult()>> engine_benches(const EngineBenchOptions& options);

}  // namespace diffverb
