#pragma once

#include <functional>
#include <vector>

#include "train/bench/bench.h"

namespace diffverb {

/// A whole fit of a response of 2.5 s at 48 kHz with 16 lines, from the file to the file: noise that decays in each
/// octave with a time of its own, made from a seed.
///
/// Ours is fit_response() as `diffverb fit room.wav --set model.lines=16` calls it: analysis, 100 steps on one thread,
/// weights, sounds and report. The peer is pyFDN's example train_fdn_to_rir (peers/pyfdn_fit.py) on all threads: 300
/// steps on the first 1.37 s, network and response; starting Python is not counted. The two fit different things to the
/// same response, so what is compared beside the time is how near they come: median and worst error of the
/// reverberation time over octaves and the shape of the level, measured on what each plays by the same comparison.
///
/// Takes minutes with the peer. Without pyFDN there its columns stay empty.
std::vector<std::function<BenchResult()>> fit_benches();

}  // namespace diffverb
