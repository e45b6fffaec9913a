#pragma once

#include <vector>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// How fast the loops of a network decay.
struct LoopRates {
  std::vector<double> hz;  // [F]
  /// [N][F], of the loop that a line is in, in nepers of amplitude a second (6.9 / T60). Empty: the line is in no loop, or
  /// in one that is left alone.
  std::vector<std::vector<double>> of_line;
  /// Of the slowest loop, [F]; empty where there is none.
  std::vector<double> slowest;
};

/// Decay rates of the loops at some frequencies, at rest and for small signals. Exact where a loop has one delay, or where
/// its matrix keeps the energy (orthogonal, each line with a loss of its own) and all its lines lose about as much a
/// second; else measured in octaves: the loop is played, by itself, from an impulse on, for at most eight seconds.
///
/// Left alone are loops that only diffuse, allpasses as a rule: without any filter, and silent in a third of the time of
/// the slowest loop. So are all loops of a network that as a whole is an allpass.
/// Without `measure`, what would have to be measured is not known either: enough where only the rate changes.
LoopRates loop_rates(const DelayNetworkWeights& weights, std::vector<double> hz, bool measure);

}  // namespace diffverb::runtime
