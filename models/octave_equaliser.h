#pragma once

#include "core/tensor.h"
#include "models/knobs.h"

namespace diffverb {

/// An equaliser of octave bands that responses are played through.
///
/// Keys  level_db  of all
///       eq_db     below 45 Hz, the octaves 62.5 Hz to 8 kHz, above 11.3 kHz: the commands of a graphic equaliser whose
///                 bands overlap (core/filters/graphic_equaliser.h)
void add_octave_equaliser(Knobs& knobs, Fields& fields);

/// Responses [..., L] float64 through it: [..., L + ring], for what rings on; as they are where all gains are 0 dB and
/// no gradient is wanted.
/// Gradient to the responses and to level_db and eq_db
at::Tensor equalised(const at::Tensor& responses, const Knobs& knobs, double rate_hz);

}  // namespace diffverb
