#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// What happened once while the room was measured: a click, a cough, a door, found in a single repetition too.
///
/// A linear room, its harmonics and steady noise explain a recording. What its response does not explain should be noise as
/// strong as a moment before; frames of 10 ms that have 16 times the median energy of the second around them are not.
struct Disturbances {
  struct Stretch {
    double from_s = 0, to_s = 0;  // within a repetition
    double above_db = 0;          // of its loudest frame over the noise around it
  };
  bool looked_for = false;  // false where the response takes the whole recording, so that it explains everything
  std::vector<Stretch> found;
  /// Energy of all that was found over that of the noise in the whole repetition. Deconvolution spreads both over the
  /// response, what was found over a few octaves alone.
  double share = 0;
};

/// Reads    unexplained [T] float64: a repetition without what its response says of it; least_energy: of a disturbance that
///          counts. The spectrum is made flat first, by thirds of an octave, so that a rumble does not hide a click.
Disturbances find_disturbances(const at::Tensor& unexplained, double rate_hz, double least_energy);

}  // namespace diffverb
