#pragma once

#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A graphic equaliser with differentiable gains: a broadband gain, a shelf below the lowest centre, a peak at each, and
/// a shelf above the highest.
///
///   peak     b = [1 + A t, -2 cos w, 1 - A t],  a = [1 + t / A, -2 cos w, 1 - t / A],   A = sqrt(g)
///            t = tan(w / (2 Q)),  Q = sqrt(R) / (R - 1),  w = 2 pi centre / rate
///   low      b = A [A t^2 + r + 1, 2 A t^2 - 2, A t^2 - r + 1],  a = [A + r + t^2, 2 t^2 - 2 A, A - r + t^2]
///            t = tan(w / 2),  r = sqrt(2 A) t;   high: g a over b
///
/// g is the gain of the band; each section stands divided by its a_0. Neighbours overlap: the sum of the gains at a
/// centre exceeds the command, and the cascade can exceed 1 between bands although no command does.
///
/// Reads    gain_db [..., K + 3] float64: broadband, low shelf, K peaks, high shelf; centres_hz K values, each
///          octaves_apart from the one before; the shelves' corners lie half of that beyond the ends
/// Returns  [..., K + 2, 5] float64: b0 b1 b2 a1 a2; the broadband gain stands in the first section
/// Gradient to gain_db
/// Throws   ContractError on shapes or types, or where a peak or corner lies too high for the rate
/// Source   Schlecht and Habets 2017, "Accurate reverberation time control in feedback delay networks"; Valimaki and
///          Reiss 2016; as FLAMO's parallelGEQ
at::Tensor graphic_equaliser_sos(const at::Tensor& gain_db, const std::vector<double>& centres_hz, double octaves_apart,
                                 double sample_rate_hz);

}  // namespace diffverb
