#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// The linear responses from several sounds to what they gave together: least squares with Tikhonov's regularisation.
///
///   min over h   sum_n (wet(n) - sum_p sum_{k < L_p} h_p(k) inputs_p(n - k))^2 + epsilon sum_p |h_p|^2
///
/// Division of wet by dry where there is one input. By conjugate gradients: the normal equations are block Toeplitz, so
/// that a product takes one transform of each input, and the block-circulant matrix nearest to them is the
/// preconditioner. Of a space that is not linear in its inputs it is the best that linear filters can do for these
/// sounds.
///
/// Reads    inputs [P, N], wet [C, N] float64, aligned; samples: L_p of each input
/// Returns  [P, C, max L_p] float64, zeros from L_p on
/// Source   T. Chan, SIAM J. Sci. Stat. Comput. 9, 1988 (the preconditioner)
at::Tensor estimate_responses(const at::Tensor& inputs, const at::Tensor& wet,
                              const std::vector<std::int64_t>& samples);

/// The same of one input. Reads dry [N], wet [C, N]; returns [C, samples].
at::Tensor estimate_response(const at::Tensor& dry, const at::Tensor& wet, std::int64_t samples);

}  // namespace diffverb
