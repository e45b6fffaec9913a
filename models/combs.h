#pragma once

#include "core/network/signal_flow.h"
#include "core/tensor.h"

namespace diffverb {

/// Combs side by side with the same one-pole low-pass L in every loop, their outputs before the low-pass:
///
///   sum_i z^-m_i / (1 - g_i L(z) z^-m_i),   L = (1 - p) / (1 - p z^-1)
///
/// Here L is the filter of the lines themselves, a line a comb instead of two; that damps what comes out once more, and
/// `in` has to have passed 1 / L before (undamped_sos), once for all.
/// Reads    samples [n], gains [n], pole a number in [0, 1)
SignalFlow::Signal damped_combs(SignalFlow& flow, const SignalFlow::Signal& in, const at::Tensor& samples,
                                const at::Tensor& gains, const at::Tensor& pole);

/// 1 / L: [1, 5]
at::Tensor undamped_sos(const at::Tensor& pole);

}  // namespace diffverb
