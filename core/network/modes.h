#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/network/delay_network.h"

namespace diffverb {

/// One decaying oscillation of a network: h(n) += residue pole^(n - 1), n >= 1, together with its complex conjugate.
struct Mode {
  std::complex<double> pole, residue;  // of the response from one input to one output
  double hz = 0;
  double t60_s = 0;  // infinite for |pole| >= 1
};

struct ModeOptions {
  std::int64_t output = 0, input = 0;
  std::int64_t most_poles = 200000;
  int most_rounds = 200;
  std::function<void(double)> on_progress;  // share of the poles that are found
};

/// All modes of a delay network: h is their sum (and D). Poles on the real axis and those above it; a pole above it
/// stands for its conjugate too.
///
/// The poles are the roots of q(z) = z^K det(diag(z^m_i a_i(z)) - diag(b_i(z)) A), b_i / a_i the line filters: found all
/// at once by Ehrlich and Aberth's iteration with Newton's step from the trace, 1 / (K / z + tr(P^-1 P')), so that no
/// coefficient of a polynomial of ten thousands of degrees is ever formed. Residues from the null vectors of P.
///
/// Modes that are gone after a dozen samples (|pole| < 0.05) are left out.
///
/// Throws   ContractError where delays are not whole or there are more than most_poles; NumericError where the iteration does not end
/// Source   Schlecht and Habets 2019, "Modal decomposition of feedback delay networks"
std::vector<Mode> modes_of(const DelayNetwork& network, const ModeOptions& options = {});

/// The sum of the modes, [samples], without what a network does at once (D at n = 0).
std::vector<double> response_of(const std::vector<Mode>& modes, std::int64_t samples);

}  // namespace diffverb
