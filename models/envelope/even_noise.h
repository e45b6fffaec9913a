#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace diffverb {

/// Two sequences of noise that repeat, one for the even bands of the layout and one for the odd, whose energy is even
/// over time in every band: what an envelope decoder shapes.
///
/// Gaussian noise strays: a third octave of it wanders by decibels from one moment to the next, and so does all that is
/// measured of a response made from it. Here the envelope of each band is divided out, smoothed over its own ringing,
/// and below 2 kHz so is the power that the distance sees of all bands together (three frames of a third octave or of
/// a bin); the band filters undo part of it, so it is done again and again (alternating projections): the lowest bands
/// first, which take many turns, then with them all others. Neighbouring bands come from different sequences: their
/// powers add.
///
/// Reads    samples: a power of two, 16384 or more
/// Returns  [2, samples] float32, of about unit power; the same for any number of threads
/// Throws   ContractError for another number of samples
at::Tensor even_noise(std::int64_t samples, std::uint64_t seed);

}  // namespace diffverb
