#pragma once

#include "core/tensor.h"

namespace diffverb {

/// What of a response is known, and how its energy lies over bands and time: what an envelope model is trained on.
struct EnvelopeAnalysis {
  at::Tensor energy;       // [B, K, NT] float32; sums to 1 over what is known
  at::Tensor power;        // [B, 26, 128] power of a bin of the distance's bands, of the same unit energy
  at::Tensor known_bands;  // [B, K] bool; false where the response's rate left nothing
  at::Tensor known_cells;  // [B] int64, cells that the response reaches
  at::Tensor gain;         // [B] amplitude that was divided out
};

/// Analyses responses at 48 kHz whose onset is at sample `onset_samples`; zeros behind the last sample are taken for
/// the end of the file.
///
/// Reads    ir [B, T] float32
/// Throws   ContractError on another type or shape, or a response that is silent
EnvelopeAnalysis analyze_envelope(const at::Tensor& ir, std::int64_t onset_samples);

}  // namespace diffverb
