#pragma once

#include <cstdint>
#include <vector>

#include "core/network/delay_network.h"
#include "core/network/signal_flow.h"
#include "core/tensor.h"

namespace diffverb {

/// How the delay of one line moves while the network plays. Several of one line add up.
///
///   D(t) = D + depth m(t, level),  m = (1 - level) sine + level noise,  |m| <= 1
///   sine  = sin 2 pi (rate t + phase)
///   noise = 1/3 sum over k = 0, 1, 2 of sin(2 pi (k + 1) (rate t + noise_phase)) / (k + 1)
///
/// Quiet sound is moved by the sine, loud sound by the "noise": three sines, of 0.61 at most, that repeat with the rate as
/// the sine does. (After descriptions of the Lexicon 480L's random halls.)
struct LineMotion {
  std::int64_t line = 0;
  SignalFlow::Gain depth_samples = 0.0;  // may be learned
  double rate_hz = 1;
  double phase_turns = 0, noise_phase_turns = 0.25;
};

/// Noise below a corner as the movement of a line: a sum of sines with phases from the seed, whose amplitudes follow a
/// low-pass of first order at corner_hz and add up to the depth, which the delay therefore never leaves. Their rates, one
/// in each of as many equal steps of log frequency from corner / 8 to 2 corner, have no common period: it wanders.
/// Its spectrum comes near to that of filtered noise with some eight sines; one sine is a chorus.
std::vector<LineMotion> wander(std::int64_t line, const SignalFlow::Gain& depth_samples, double corner_hz,
                               std::int64_t sines, std::uint64_t seed);

/// m(t, level) at n / sample_rate_hz: [T] float64.
/// Reads    level [T] in 0 .. 1, undefined: 0 throughout
at::Tensor motion_of(const LineMotion& motion, std::int64_t samples, double sample_rate_hz,
                     const at::Tensor& level = {});

/// The delays of a network over time, for Varying::delays (core/solvers/solvers.h): [N, T] float64.
///
/// Gradient to the depths and to the network's delays
/// Throws   ContractError where there is no such line, or it is a filter (no delay), or `level` is not [T] within 0 .. 1
at::Tensor delay_trajectories(const DelayNetwork& network, const std::vector<LineMotion>& motions, std::int64_t samples,
                              const at::Tensor& level = {});

/// How loud a signal is over time, for delay_trajectories: mean square of all inputs over 100 ms (one pole), 0 at -40 dB
/// and below, 1 at -10 dB and above, linear in dB between. Without gradient.
/// Reads    input [I, T]
/// Returns  [T] float64
at::Tensor loudness_level(const at::Tensor& input, double sample_rate_hz);

/// Delays of one and two samples, which an interpolator of four samples cannot read, as sections z^-1 and z^-2 of lines
/// without delay. All others stay. The network plays the same.
DelayNetwork with_short_delays_as_filters(const DelayNetwork& network);

}  // namespace diffverb
