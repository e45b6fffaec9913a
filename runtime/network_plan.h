#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// A line as the engine reads it: `delay` samples behind what its ring takes in.
struct PlannedTap {
  int line = 0, delay = 0;
  int row = 0;  // of the signals: the inputs first, then the lines in the order of play
};

/// Lines of one input and one filter (equal rows of A, B and line_sos), which differ in delay only: they are filtered
/// and written once, and read once for each. That is what an output tap inside of a delay line is.
struct PlannedRing {
  int line = 0;                   // one of them, for its rows
  std::vector<PlannedTap> inner;  // feed rings of their own stage
  std::vector<PlannedTap> outer;  // feed only what comes later
};

/// Rings that advance together, `block` samples at once; no stage feeds an earlier one. Rings of one level need
/// nothing of each other within a sample: filter lines split a stage into levels. Within a level those without a
/// filter come first.
struct PlannedStage {
  int block = 0;
  int first_row = 0, inner_rows = 0;  // the inner taps' rows, side by side
  std::vector<std::vector<PlannedRing>> levels;
};

/// The order in which a delay network is played. Each group of rings that feed one another has its own block length,
/// the shortest positive delay in its loops (of a moving one: the shortest that it may become), so that a short allpass before a large loop does not slow that down;
/// groups that may be played side by side share a stage, so that their filters share vectors. A network whose matrix turns is
/// one stage; so are all lines that have a delay where the loop is not linear.
struct NetworkPlan {
  std::vector<PlannedStage> stages;
  std::vector<int> row_of_line;  // [N]
  int rows = 0;                  // I + N
};

/// Reads: weights that check_network accepted, the longest block that is wanted.
NetworkPlan plan_network(const DelayNetworkWeights& weights, int longest_block);

/// Whether a section passes everything as it is.
bool is_identity(const Biquad& section);
/// The sections of a line's filter that are not identities.
std::vector<Biquad> line_filter(const DelayNetworkWeights& weights, int line);

}  // namespace diffverb::runtime
