#pragma once

#include <cstdint>
#include <functional>

#include "core/tensor.h"
#include "models/volterra.h"

namespace diffverb {

struct IdentificationOptions {
  int starts = 3;        // the first from the linear response, the others drawn
  int sweeps = 8;        // of alternating least squares, each start
  int refinements = 60;  // of the best start, at most
  std::uint64_t seed = 1;
  std::function<void(double)> on_progress;  // gets the share that is behind, 0 to 1, where it is there
};

struct Identification {
  double nmse_db = 0;   // of the output that it was found from: energy of what is left over energy of the output
  int refinements = 0;  // of the output that took most
};

/// Finds a Volterra model's kernels from what went into a system and what came out.
///
/// The model is linear in each factor, in each filter behind a product, and in the first order. So after the linear response
/// by least squares each sweep takes one factor of every product at a time, with the first order, and solves for them
/// exactly while the others stay (alternating least squares); the best start is then refined in all numbers at once
/// (Levenberg and Marquardt). Both are steps (J^T J + damping) step = J^T e, the first without damping; J is made by blocks
/// of time. The first start has the linear response in all factors, as Wiener's system would. In float64, output by output.
///
/// Costs time T P^2 for P numbers an output, memory P^2: for some thousand numbers.
///
/// Reads    input [I, T], output [O, T]; model: order, lengths, ranks and `after`; its kernels are overwritten
/// Throws   ContractError where shapes disagree or products are oversampled; DataError where input or output is silent or
///          shorter than the numbers that are sought
/// Source   ALS: Favier, Kibangou and Bouilloc, IJACSP 26, 2012; refinement: Marquardt, SIAM 11, 1963
Identification identify(Volterra& model, const at::Tensor& input, const at::Tensor& output,
                        const IdentificationOptions& options = {});

/// A kernel of order p as the full symmetric one that it stands for: [M, ..., M] of p axes, M the model's L + A - 1.
///
///   h(t_1, ..., t_p) = mean over the orders of the t of sum_r sum_k a_r(k) prod_j b_rj(t_j - k)
///
/// Reads    name: "second" or "third"; of one output and one input, at oversampling 1
at::Tensor full_kernel(const Volterra& model, const std::string& name, std::int64_t output = 0, std::int64_t input = 0);

}  // namespace diffverb
