#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/network/signal_flow.h"
#include "core/tensor.h"

namespace diffverb {

/// A feedback matrix of filters: matrices with banks of delays between them.
///
///   A(z) = U_K D_K(z) U_K-1 ... D_1(z) U_0,   D_k(z) = diag(z^-m_k)
///
/// With orthogonal U_k it is paraunitary, A(z) A(z)^H = I on the unit circle: lossless, while each entry is a finite
/// response of N^K pulses, so that one echo becomes many at every pass.
///
/// Source   Schlecht and Habets 2020, "Scattering in feedback delay networks"
struct FilterMatrix {
  std::vector<at::Tensor> mixers;                   // U_0 .. U_K, [N, N]
  std::vector<std::vector<std::int64_t>> delays{};  // m_1 .. m_K, [N] samples, of which one each is 0
};

/// Delays of K stages whose pulses never fall on one another.
///
///   dense     m_k(i) = N^(k-1) i: the pulses of an entry are the numbers with K digits in base N, every sample has one
///   velvet    m_1(i) = about gap (i + u_i), u_i drawn from [0, 1); m_k(i) = gap N^(k-1) i: one pulse in each gap, as in
///             velvet noise. Of an N that is not small two stages are many pulses.
///
/// Which line has which is drawn from the seed in each stage, as are the u_i.
/// Reads    gap_samples, of velvet, >= 1
/// Source   the same; Schlecht, Alary, Välimäki and Habets 2018, "Optimized velvet-noise decorrelator"
std::vector<std::vector<std::int64_t>> stage_delays(const std::string& kind, std::int64_t lines, std::int64_t stages,
                                                    double gap_samples, std::uint64_t seed);

/// Adds the matrix to a diagram. Reads    in: the line outputs; filter_of(samples): what the delays within lose, [S, 5], so
/// that they decay as the lines do, or undefined. Returns  what goes back into the lines
std::vector<SignalFlow::Signal> add_filter_matrix(
    SignalFlow& flow, const FilterMatrix& matrix, std::vector<SignalFlow::Signal> in,
    const std::function<at::Tensor(const at::Tensor& samples)>& filter_of = {});

/// A(z) on the unit circle: [K, N, N] complex for omega_rad [K].
at::Tensor response_of(const FilterMatrix& matrix, const at::Tensor& omega_rad);

}  // namespace diffverb
