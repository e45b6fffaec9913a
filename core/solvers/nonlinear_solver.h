#pragma once

#include "core/network/delay_network.h"
#include "core/network/nonlinear_loop.h"
#include "core/tensor.h"

namespace diffverb {

/// time_response of a network whose loop is not linear (core/network/nonlinear_loop.h has the formulas), exact sample by
/// sample, by blocks no longer than the shortest delay; the gradient is the adjoint recursion.
///
/// Reads    input [I, T] of the network's type; delays must be whole (with_whole_delays); drive [T]
/// Returns  [O, T]; what is on a GPU is computed on the CPU and goes back
/// Gradient for A, B, C, D, line_sos, the input, and for square, out, left, right, limit, drive and slope
/// Throws   ContractError on shapes, types, delays that are not whole, or a loop that check() refuses
at::Tensor nonlinear_time_response(const DelayNetwork& network, const NonlinearLoop& loop, const at::Tensor& input);

}  // namespace diffverb
