#include "core/filters/attenuation.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "core/error.h"
#include "core/filters/peaking.h"

namespace diffverb {
namespace {

constexpr double kSlowestT60S = 60.0;
constexpr double kDeepestCutDb = 120.0;  // of one section: far deeper ones round to a pole on the unit circle

/// 20 log10 |H| of one peaking section.
double peaking_db(double gain_db, double centre_hz, double q, double rate_hz, double hz) {
  const double w0 = 2 * std::numbers::pi * centre_hz / rate_hz, w = 2 * std::numbers::pi * hz / rate_hz;
  const double alpha = std::sin(w0) / (2 * q), amplitude = std::pow(10.0, gain_db / 40);
  const std::complex<double> z = std::polar(1.0, -w);
  const auto quadratic = [&](double edge) { return (1 + edge) + z * (-2 * std::cos(w0)) + z * z * (1 - edge); };
  return 20 * std::log10(std::abs(quadratic(alpha * amplitude) / quadratic(alpha / amplitude)));
}

}  // namespace

double slowest_rate(double sample_rate_hz) { return 60.0 / (sample_rate_hz * kSlowestT60S); }

at::Tensor attenuation_sos(const at::Tensor& rates, const at::Tensor& delays, const std::vector<double>& centres_hz,
                           double q, double sample_rate_hz) {
  const auto sections = static_cast<std::int64_t>(centres_hz.size());
  if (rates.dim() != 1 || rates.size(0) != sections + 1 || rates.scalar_type() != at::kDouble) {
    throw ContractError("attenuation_sos: rates must be float64 [" + std::to_string(sections + 1) + "]");
  }
  const auto column = delays.unsqueeze(1);
  const auto broadband =
      at::exp(column * rates.slice(0, 0, 1).clamp_min(slowest_rate(sample_rate_hz)) * (-std::numbers::ln10 / 20));
  if (sections == 0) {
    return at::cat({broadband, at::zeros({delays.size(0), 4}, broadband.options())}, 1).unsqueeze(1);
  }
  const auto cuts = (-column * rates.slice(0, 1).clamp_min(0).unsqueeze(0)).clamp_min(-kDeepestCutDb);
  const auto sos = peaking_sos(cuts, centres_hz, q, sample_rate_hz);
  const auto first =
      at::cat({sos.slice(1, 0, 1).slice(2, 0, 3) * broadband.unsqueeze(2), sos.slice(1, 0, 1).slice(2, 3)}, 2);
  return at::cat({first, sos.slice(1, 1)}, 1);
}

std::vector<double> attenuation_rate(const std::vector<double>& rates, double delay,
                                     const std::vector<double>& centres_hz, double q, double sample_rate_hz,
                                     const std::vector<double>& hz) {
  std::vector<double> out;
  for (const double f : hz) {
    double db = -delay * std::max(rates[0], slowest_rate(sample_rate_hz));
    for (std::size_t k = 0; k < centres_hz.size(); ++k) {
      db += peaking_db(-std::min(delay * std::max(rates[k + 1], 0.0), kDeepestCutDb), centres_hz[k], q, sample_rate_hz,
                       f);
    }
    out.push_back(-db / delay);
  }
  return out;
}

std::vector<double> fit_attenuation_rates(const std::vector<double>& hz, const std::vector<double>& wanted,
                                          const std::vector<double>& weights, double delay,
                                          const std::vector<double>& centres_hz, double q, double sample_rate_hz) {
  const std::size_t points = hz.size(), count = centres_hz.size() + 1;
  const double floor_rate = slowest_rate(sample_rate_hz);
  // In relative terms: a fifth too fast is as wrong at 20 s as at 0.2 s, and fast bands must not decide alone.
  std::vector<double> shares(points);
  double typical = 0;
  for (std::size_t p = 0; p < points; ++p) {
    shares[p] = weights[p] / (wanted[p] * wanted[p]);
    typical += wanted[p] / static_cast<double>(points);
  }
  std::vector<double> rates(count, 0.5 * typical);
  rates[0] = std::max(*std::min_element(wanted.begin(), wanted.end()), floor_rate);
  std::vector<std::vector<double>> basis(count, std::vector<double>(points, 1.0));
  for (int pass = 0; pass < 8;
       ++pass) {  // a deep cut's skirts reach further than a shallow one's: shapes at the depth they have
    for (std::size_t k = 1; k < count; ++k) {
      const double depth = std::clamp(delay * rates[k], 0.05, kDeepestCutDb);
      for (std::size_t p = 0; p < points; ++p)
        basis[k][p] = peaking_db(-depth, centres_hz[k - 1], q, sample_rate_hz, hz[p]) / -depth;
    }
    std::vector<double> residual(wanted);
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t p = 0; p < points; ++p) residual[p] -= rates[k] * basis[k][p];
    }
    for (int sweep = 0; sweep < 200; ++sweep) {
      for (std::size_t k = 0; k < count; ++k) {
        double top = 0, bottom = 1e-30;
        for (std::size_t p = 0; p < points; ++p) {
          top += shares[p] * basis[k][p] * residual[p];
          bottom += shares[p] * basis[k][p] * basis[k][p];
        }
        const double updated = std::max(rates[k] + top / bottom, k == 0 ? floor_rate : 0.0);
        for (std::size_t p = 0; p < points; ++p) residual[p] -= (updated - rates[k]) * basis[k][p];
        rates[k] = updated;
      }
    }
  }
  return rates;
}

}  // namespace diffverb
