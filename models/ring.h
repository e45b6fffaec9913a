#pragma once

#include <string>
#include <vector>

#include "core/fields.h"
#include "core/network/signal_flow.h"
#include "core/tensor.h"

namespace diffverb {

/// Where the allpasses inside an allpass stand.
///
///   contains   on parts of the outer delay line: once round the outer lattice takes the outer delay, inner ones included
///   series     after an outer delay line of that length: once round takes the outer and all inner delays
enum class Nesting { kContains, kSeries };

/// Reads the key `nesting`.
Nesting read_nesting(Fields& fields);

/// Numbers; not defined means that there is none.
struct NestedAllpass {
  struct Inner {
    at::Tensor samples, gain;
  };
  at::Tensor samples, gain;
  std::vector<Inner> inner;
};

/// The lattice y = w - g v, v = x + g w with w = z^-m A_1(z) A_2(z) ... v, m the outer delay, less the inner ones where it
/// contains them. Where on the line they stand does not matter: what is in series may change places. Delays that nobody
/// learns become whole each for itself, so that the outer one stays what it is.
/// Source   Vercoe and Puckette 1985, after Gardner 1992
SignalFlow::Signal nested_allpass(SignalFlow& flow, const SignalFlow::Signal& in, const NestedAllpass& allpass,
                                  Nesting nesting);

/// One stage: a delay, then (gain, input), then an allpass, then an output tap; each may be missing.
struct RingStage {
  at::Tensor delay_samples;
  at::Tensor gain;
  SignalFlow::Signal in;
  NestedAllpass allpass;
  at::Tensor tap;
};

/// Stages in a ring: what leaves the last one passes a low-pass and a gain and enters the first one with the input.
/// Returns  the sum of the taps
/// Source   Gardner 1992, "A realtime multichannel room simulator"
SignalFlow::Signal allpass_ring(SignalFlow& flow, const SignalFlow::Signal& in, const std::vector<RingStage>& stages,
                                const at::Tensor& feedback, const at::Tensor& lowpass_sos, Nesting nesting);

}  // namespace diffverb
