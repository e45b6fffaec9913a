#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// What the lines of one loop lose.
struct LineLosses {
  std::vector<int> lines;
  std::vector<std::vector<double>> loss;  // [lines][F] nepers of amplitude in one pass; negative: a gain
  std::vector<double> rate;               // [F] of the loop, nepers a second (6.9 / T60)
  bool each_by_itself = false;  // every line loses in proportion to its own delay; else the loop as a whole does
  bool is_exact = true;         // its rate is its lines' losses alone: without lattices, which ring by themselves
};

/// How the loops of a network decay at some frequencies, at rest and for small signals.
struct LoopRates {
  std::vector<double> hz;  // [F]
  std::vector<LineLosses> loops;
  std::vector<LineLosses>
      diffusers;  // loops that only diffuse: left alone as long as they are silent before the others
  /// Of the slowest loop, [F]; empty where there is none.
  std::vector<double> slowest;
  /// Where losses are not all that rates depend on (lattices ring by themselves): the rate measured of the network's own
  /// response, and by how much more its loops must be changed than it seems. [F], or empty.
  std::vector<double> measured, correction;
  bool is_careful = false;  ///< fitted filters with a peak beyond their target give way: less exact, but more stable
};

/// Losses are exact where they can be said to be of lines: the matrix keeps an energy but for a gain of each column
/// (matrix_losses.h), so that a power of all of them is that power of whatever a sound loses on any way. Elsewhere the
/// rate is measured in octaves (the network is played at rest, eight seconds at most) and every line gets its share by its
/// delay; without `measure` such loops are left out, enough where only the rate changes.
///
/// Apart stand loops that only diffuse, allpasses as a rule: without any filter, and silent in a third of the time of
/// the slowest loop; lattices with filters in a fifth of it. Left out are all loops of a network that
/// as a whole is an allpass.
LoopRates loop_rates(const DelayNetworkWeights& weights, std::vector<double> hz, bool measure);

}  // namespace diffverb::runtime
