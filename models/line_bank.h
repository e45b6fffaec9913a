#pragma once

#include <vector>

#include "core/network/signal_flow.h"
#include "core/tensor.h"

namespace diffverb {

/// The lines of a feedback delay network within a larger diagram: v = A s + in, s_j = g_j h_j z^-m_j v_j; with allpasses
/// each line begins with one, whose delay is a part of m_j.
struct LineBank {
  at::Tensor matrix;    // [N, N] feedback matrix
  at::Tensor delays;    // [N] samples
  at::Tensor decay_s;   // a number: 60 dB in this time at 0 Hz
  at::Tensor bright_s;  // a number: in this time at bright_hz; undefined: as at 0 Hz
  at::Tensor bright_hz;
  at::Tensor allpass_samples{}, allpass_gains{};  // [N]; undefined: none
};

/// Adds the lines. Reads    in: what goes into each line. Returns  the line outputs.
std::vector<SignalFlow::Signal> add_lines(SignalFlow& flow, const LineBank& bank,
                                          const std::vector<SignalFlow::Signal>& in);

}  // namespace diffverb
