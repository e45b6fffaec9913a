#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace diffverb {

/// One delay network driven by input signals; plain pointers, row-major.
///
///   s_j(n) = (h_j * v_j)(n - m_j),  v = A s + B u,  y = C s + D u,  zero state before n = 0
template <typename Scalar>
struct TimeProblem {
  int samples = 0, lines = 0, inputs = 0, outputs = 0, sections = 0;
  const Scalar* a = nullptr;             // [N, N]
  const Scalar* b = nullptr;             // [N, I]
  const Scalar* c = nullptr;             // [O, N]
  const Scalar* d = nullptr;             // [O, I]
  const std::int64_t* delays = nullptr;  // [N] whole samples, >= 0
  std::vector<int> filter_lines;         // those with delay 0, none of which hears a later one
  const double* sos = nullptr;           // [N, S, 5] b0 b1 b2 a1 a2
  const Scalar* input = nullptr;         // [I, T]
};

/// What the forward pass leaves for the adjoint, in Scalars: line signals [N, max delay + T]; with filters also [N, T]
/// before them, and their state at the start of each segment.
template <typename Scalar>
std::size_t time_tape_size(const TimeProblem<Scalar>& problem);

/// What the adjoint works in: A^T vbar + C^T gbar [N, T + max delay], and with filters vbar [N, T].
template <typename Scalar>
std::size_t time_workspace_size(const TimeProblem<Scalar>& problem);

template <typename Scalar>
struct TimeGradient {
  std::vector<double> a, b, c, d, sos;
  Scalar* input = nullptr;  // [I, T], null unless asked for
};

/// Plays the network; `output` is [O, T], `tape` has time_tape_size. The recursion advances by blocks no longer than the
/// shortest delay: inside a block every line output is already known (those without delay once they are computed, in
/// their order), so a block is one small matrix product over time and one pass of the filters over lines.
template <typename Scalar>
void time_forward(const TimeProblem<Scalar>& problem, Scalar* output, Scalar* tape);

/// The adjoint: the same recursion backwards in time with A transposed. `grad_output` is [O, T]. Filter signals are
/// made again segment by segment, so memory beyond the line signals does not grow with the number of sections.
template <typename Scalar>
void time_backward(const TimeProblem<Scalar>& problem, const Scalar* tape, const Scalar* grad_output, Scalar* workspace,
                   TimeGradient<Scalar>& gradient);

}  // namespace diffverb
