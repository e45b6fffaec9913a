#pragma once

#include "core/solvers/time_block.h"

// The gradient of a network from what the recursion and its adjoint have left: sums over samples, which need no order and
// are shared by all of a GPU. No torch header and none of CUDA's.
namespace diffverb {

inline constexpr int kTimeSumSamples = 1024;  // that one block of a GPU sums

/// The gradient of A, B, C, D in one matrix [N + O, N + I] = [A B; C D]: sums over t of left(row, t) right(column, t).
template <typename S>
struct TimeEntries {
  int rows, columns;
  DIFFVERB_BIN explicit TimeEntries(const TimeBlocks<S>& p) : rows(p.lines + p.outputs), columns(p.lines + p.inputs) {}
  DIFFVERB_BIN int count() const { return rows * columns; }

  /// vbar, then gbar
  DIFFVERB_BIN static S left(const TimeBlocks<S>& p, int network, int row, int t) {
    if (row >= p.lines)
      return p.grad_output[(static_cast<std::size_t>(network) * p.outputs + row - p.lines) * p.samples + t];
    return p.sections > 0 ? p.driven_adjoint[p.line(network, row) + t] : p.filtered_adjoint(network, row, t);
  }
  /// s, then u
  DIFFVERB_BIN static S right(const TimeBlocks<S>& p, int network, int column, int t) {
    if (column >= p.lines)
      return p.input[(static_cast<std::size_t>(network) * p.inputs + column - p.lines) * p.samples + t];
    return p.line_output(network, column, t);
  }
};

/// Gradient sums of one section's p1, p2, p3, m0, h1, h2.
struct TimeSectionSums {
  double at[6] = {0, 0, 0, 0, 0, 0};
};

/// The gradient of one section of one line, chunk by chunk: the section's own input and what comes back to it are made
/// again from the states before and after the chunk, so nothing of the sections needs to be kept.
template <typename S>
class TimeSectionChunk {
 public:
  DIFFVERB_BIN static void add(const TimeBlocks<S>& p, int network, int line, int section, int chunk,
                               TimeSectionSums& sums) {
    const int n = chunk * kTimeChunk, m = p.delay(network, line);
    const S* const driven = p.driven + p.line(network, line);
    const S* const mixed = p.mixed + p.line(network, line);
    S x[kTimeChunk], y[kTimeChunk], z1[kTimeChunk + 1], z2[kTimeChunk + 1];
    DIFFVERB_BIN_UNROLL for (int t = 0; t < kTimeChunk; ++t) {
      x[t] = n + t < p.samples ? driven[n + t] : S(0);
      y[t] = n + t + m < p.samples ? mixed[n + t + m] : S(0);  // beyond the end nothing comes back
    }
    for (int s = 0; s < section; ++s) {
      const TimeSection<S> before(p, network, s, line);
      S a = p.states[p.state(network, chunk, s, 0, line)], b = p.states[p.state(network, chunk, s, 1, line)];
      DIFFVERB_BIN_UNROLL for (int t = 0; t < kTimeChunk; ++t) x[t] = before.step(x[t], a, b);
    }
    for (int s = p.sections - 1; s > section; --s) {
      const TimeSection<S> after(p, network, s, line);
      S a = p.costates[p.state(network, chunk, s, 0, line)], b = p.costates[p.state(network, chunk, s, 1, line)];
      DIFFVERB_BIN_UNROLL for (int t = kTimeChunk - 1; t >= 0; --t) y[t] = after.step_back(y[t], a, b);
    }
    const TimeSection<S> own(p, network, section, line);
    z1[0] = p.states[p.state(network, chunk, section, 0, line)];
    z2[0] = p.states[p.state(network, chunk, section, 1, line)];
    DIFFVERB_BIN_UNROLL for (int t = 0; t < kTimeChunk; ++t) {
      z1[t + 1] = z1[t], z2[t + 1] = z2[t];
      own.step(x[t], z1[t + 1], z2[t + 1]);
    }
    S c1 = p.costates[p.state(network, chunk, section, 0, line)];
    S c2 = p.costates[p.state(network, chunk, section, 1, line)];
    S g[6] = {0, 0, 0, 0, 0, 0};
    DIFFVERB_BIN_UNROLL for (int t = kTimeChunk - 1; t >= 0; --t) {
      const S w1 = c1 + own.h1 * y[t], w2 = c2 + own.h2 * y[t], v = x[t] - z2[t];
      g[0] += w1 * z1[t];
      g[1] += w1 * v + w2 * z1[t];
      g[2] += w2 * v;
      g[3] += y[t] * x[t];
      g[4] += y[t] * (z1[t + 1] + z1[t]);
      g[5] += y[t] * (z2[t + 1] + z2[t]);
      own.step_back(y[t], c1, c2);
    }
    for (int k = 0; k < 6; ++k) sums.at[k] += g[k];  // in double: over a long response float32 alone would lose digits
  }

 private:
  static constexpr int kUnroll = kTimeChunk;
};

/// Back to b0 b1 b2 a1 a2.
template <typename S>
DIFFVERB_BIN void time_section_gradient(const TimeBlocks<S>& p, int network, int line, int section,
                                        const TimeSectionSums& sums, double* out) {
  const double* q = p.sos + ((static_cast<std::size_t>(network) * p.lines + line) * p.sections + section) * 5;
  const Svf<Dual<5>> f =
      svf_from_sos(Dual<5>::variable(q[0], 0), Dual<5>::variable(q[1], 1), Dual<5>::variable(q[2], 2),
                   Dual<5>::variable(q[3], 3), Dual<5>::variable(q[4], 4));
  for (int i = 0; i < 5; ++i) {
    out[i] = 2 * (sums.at[0] * f.a1.partial[i] + sums.at[1] * f.a2.partial[i] + sums.at[2] * f.a3.partial[i]) +
             sums.at[3] * f.m0.partial[i] + (sums.at[4] * f.m1.partial[i] + sums.at[5] * f.m2.partial[i]) / 2;
  }
}

}  // namespace diffverb
