#pragma once

#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// Line filters from decay rates: a broadband gain and peaking cuts, in proportion to each line's delay.
///
///   gain of section k of line j = -min(m_j max(rate_k, 0), 120) dB,   broadband gain = -m_j max(rate_0, kSlowest) dB
///
/// A cut is at most 1 at every frequency and the broadband gain is below 1, so |h_j(f)| < 1 for every value the rates
/// can take: with an orthogonal feedback matrix the network is stable by construction. (Graphic equalisers of boosts
/// and cuts overshoot 0 dB between bands.) A line of twice the delay is cut twice, so every mode decays at about T60(f)
/// = 60 / (fs rate(f)).
///
/// Reads    rates [K + 1] float64, dB a sample: broadband, then one a centre; delays [N] float64, samples
/// Returns  [N, K, 5] float64; the broadband gain stands in the first section ([N, 1, 5] where there are no centres)
/// Gradient to rates (none where a rate is negative and so clamped) and delays
/// Source   Jot and Chaigne 1991; Schlecht and Habets 2017 for the proportional design
at::Tensor attenuation_sos(const at::Tensor& rates, const at::Tensor& delays, const std::vector<double>& centres_hz,
                           double q, double sample_rate_hz);

/// The decay rate at each frequency that the sections of attenuation_sos give a line of `delay` samples, dB a sample.
std::vector<double> attenuation_rate(const std::vector<double>& rates, double delay,
                                     const std::vector<double>& centres_hz, double q, double sample_rate_hz,
                                     const std::vector<double>& hz);

/// Rates >= 0 whose filters come nearest to the wanted ones (least squares of the relative error, weighted, by
/// coordinate descent; every section's shape is taken at the depth that it comes to have).
///
/// Reads    wanted [P] dB a sample at hz [P], weights [P]; delay is a typical line's, for which the fit is made
/// Returns  [K + 1]
std::vector<double> fit_attenuation_rates(const std::vector<double>& hz, const std::vector<double>& wanted,
                                          const std::vector<double>& weights, double delay,
                                          const std::vector<double>& centres_hz, double q, double sample_rate_hz);

/// The slowest decay that a line can have: 60 dB in 60 s, as a rate in dB a sample.
double slowest_rate(double sample_rate_hz);

}  // namespace diffverb
