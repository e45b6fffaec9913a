#pragma once

#include "core/network/delay_network.h"
#include "core/tensor.h"

namespace diffverb {

/// Whether play_by_loops() is quicker than one recursion of all lines: their shortest delay allows short blocks only, and
/// not all of them hear each other.
bool loops_are_quicker(const DelayNetwork& network);

/// time_response() without gradient, loop after loop: lines that hear each other (core/network/loops.h) are advanced
/// together, by the shortest delay among them; what is in no loop is only filtered and shifted. A loop with a delay of a
/// sample then costs its own few lines a sample, not all of them.
///
/// Reads    network on the CPU, whole delays; input [I, T] of its type
/// Returns  [O, T]
at::Tensor play_by_loops(const DelayNetwork& network, const at::Tensor& input);

}  // namespace diffverb
