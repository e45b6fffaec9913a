#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// The one linear structure behind every algorithmic reverb: N delay lines, their line filters, and A, B, C, D.
///
///   line output   s_j(n) = (h_j * v_j)(n - m_j)
///   line input    v(n)   = A s(n) + B u(n)
///   output        y(n)   = C s(n) + D u(n)
///   H(z) = C G(z) (I - A G(z))^-1 B + D,   G(z) = diag(h_j(z) z^-m_j)
///
/// Plain tensors: gradients flow through every composition into whatever the tensors were made of. A, B, C, D share one
/// floating type (float32 or float64) and device; delays and line_sos are float64, because a phase of thousands of
/// turns and a pole at 30 Hz do not fit into float32.
///
/// A line whose delay is 0 is a filter: damping on one edge of a loop, a crossover, a tone control. Filters may hear each
/// other, but not in a circle. A tap inside a line is a line beside it that hears the same and has its own delay.
struct DelayNetwork {
  at::Tensor a;         // [N, N] feedback matrix
  at::Tensor b;         // [N, I] input gains
  at::Tensor c;         // [O, N] output gains
  at::Tensor d;         // [O, I] direct gains
  at::Tensor delays;    // [N] samples, real, >= 0, float64
  at::Tensor line_sos;  // [N, S, 5] b0 b1 b2 a1 a2 (a0 = 1), float64; S may be 0
  double sample_rate_hz = 0;
  /// What its maker answers for: values that check() would take, and whole delays. They are then not looked at again,
  /// for which a GPU would have to be waited for. Compositions begin without it.
  bool is_sound = false;

  std::int64_t lines() const { return a.size(0); }
  std::int64_t inputs() const { return b.size(1); }
  std::int64_t outputs() const { return c.size(0); }
  std::int64_t sections() const { return line_sos.size(1); }

  /// Throws   ContractError where shapes, types or devices disagree, a delay is negative, lines without delay form a loop,
  ///          a section is not stable, or a loop is seen to grow (core/network/loop_gain.h)
  void check() const;
  /// A, B, C and D in another type.
  DelayNetwork to(at::ScalarType dtype) const;
  /// One input that goes to all of them.
  DelayNetwork from_one_input() const;
  /// Every delay is a whole number.
  bool has_whole_delays() const;
  /// Whether its values are to be checked, and can be: not while a step is being recorded.
  bool may_be_looked_at() const;
};

/// y = second(first(x)). The sections of the one with fewer are filled up with identities.
DelayNetwork series(const DelayNetwork& first, const DelayNetwork& second);
/// y = first(x) + second(x)
DelayNetwork parallel(const DelayNetwork& first, const DelayNetwork& second);
/// Closes u = x + gains y around the network; gains [I, O]. Throws ContractError where I - gains D is singular (a loop
/// without delay).
DelayNetwork feedback(const DelayNetwork& inner, const at::Tensor& gains);
/// The lattice around an inner part with one input and one output: y = -g x + (1 - g^2) w, w = H_inner(z) z^-m (x + g
/// w). An inner part that is allpass stays allpass.
DelayNetwork allpass(const at::Tensor& gain, const DelayNetwork& inner, const at::Tensor& delay_samples);
/// The Schroeder allpass: the same lattice around a bare delay.
DelayNetwork allpass(const at::Tensor& gain, const at::Tensor& delay_samples, double sample_rate_hz);
/// One bare delay line, one input, one output.
DelayNetwork delay_line(const at::Tensor& delay_samples, double sample_rate_hz, at::ScalarType dtype = at::kFloat);

/// Real delays as whole ones and a first-order Thiran allpass section each: m = whole + d, 0.5 <= d < 1.5,
/// eta = (1 - d) / (1 + d), h(z) = (eta + z^-1) / (1 + eta z^-1). |h| = 1, so a lossless network stays lossless; the
/// solvers, the exporter and the engine all play this one interpolator. Networks whose delays are whole are returned
/// unchanged. Gradient to the delays flows through eta.
/// Throws   ContractError where a fractional delay is below 1.5 samples
/// Source   Laakso et al. 1996, "Splitting the unit delay"
DelayNetwork with_whole_delays(const DelayNetwork& network);

}  // namespace diffverb
