#pragma once

#include <cstdint>

#include "core/network/signal_flow.h"

namespace diffverb {

/// The rate at which Dattorro's delays are given.
constexpr double kPlateRateHz = 29761;

/// The figure-of-eight of Dattorro 1997, figure 1: two halves, each a modulated allpass, a delay, damping, an allpass and
/// a delay, and each fed by the other's end.
struct PlateTank {
  SignalFlow::Gain decay = 0.5;
  SignalFlow::Gain first_diffusion = 0.7, second_diffusion = 0.5;  // of the modulated allpasses; of the others
  at::Tensor damping;                                              // [S, 5]
  double taps_earlier = 0;  // samples at kPlateRateHz that all output taps lie before those of table 2
};

struct PlateOutputs {
  SignalFlow::Signal left, right;          // sums of seven taps each, without a gain
  std::int64_t moving_left, moving_right;  // lines that the modulation moves
};

/// The four input diffusers, with their gains of one pair and the other.
SignalFlow::Signal plate_diffuser(SignalFlow& flow, const SignalFlow::Signal& in, const at::Tensor& first,
                                  const at::Tensor& second);
PlateOutputs plate_tank(SignalFlow& flow, const SignalFlow::Signal& in, const PlateTank& tank);

}  // namespace diffverb
