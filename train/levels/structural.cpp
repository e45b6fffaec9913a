#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "runtime/network_graph.h"
#include "runtime/spectral_norm.h"
#include "runtime/stability.h"
#include "train/levels/levels.h"

namespace diffverb {
namespace {

/// Least and largest singular value of a row-major [n, n] matrix.
struct Singular {
  double least = 0, largest = 0;
};

Singular singular_values(const std::vector<double>& matrix, int n) {
  const Eigen::Map<const Eigen::MatrixXd> m(matrix.data(), n, n);  // transposed, which has the same
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(m.transpose() * m, Eigen::EigenvaluesOnly);
  return {std::sqrt(std::max(0.0, solver.eigenvalues()(0))), std::sqrt(std::max(0.0, solver.eigenvalues()(n - 1)))};
}

/// How far the loops' matrices, without line filters and scaled as suits them best, are from keeping energy.
struct Losslessness {
  int loops = 0, lines = 0;  // lines that stand in a loop
  double error_db = 0;       // the largest |20 lg singular value|
  bool singular = false;
};

Losslessness measure_losslessness(const runtime::DelayNetworkWeights& w) {
  constexpr double kSingular = 1e-6;
  Losslessness out;
  const runtime::Graph graph = runtime::line_graph(w);
  for (const std::vector<int>& lines : runtime::connected_groups(graph)) {
    if (!runtime::is_loop(graph, lines)) continue;
    std::vector<double> a;
    for (const int j : lines) {
      for (const int k : lines)
        a.push_back(w.A[static_cast<std::size_t>(j) * static_cast<std::size_t>(w.lines) + static_cast<std::size_t>(k)]);
    }
    const int n = static_cast<int>(lines.size());
    const Singular gains = singular_values(runtime::balance(a, n), n);
    ++out.loops;
    out.lines += n;
    out.singular |= gains.least < kSingular;
    for (const double gain : {gains.least, gains.largest})
      out.error_db = std::max(out.error_db, std::abs(20 * std::log10(std::max(gain, kSingular))));
  }
  return out;
}

/// The longest decay time that a line's own gain allows; infinite where one loses nothing.
double longest_t60_s(const runtime::DelayNetworkWeights& w) {
  double longest = 0;
  for (int j = 0; j < w.lines; ++j) {
    const int delay = w.delays[static_cast<std::size_t>(j)];
    if (delay == 0) continue;
    std::vector<runtime::Biquad> sections;
    for (int k = 0; k < w.line_sections; ++k) sections.push_back(w.line_section(j, k));
    const double fall_db = -20 * std::log10(runtime::peak_gain(sections.data(), w.line_sections));
    longest = std::max(longest, fall_db > 0 ? 60 * delay / w.sample_rate_hz / fall_db : HUGE_VAL);
  }
  return longest;
}

}  // namespace

double modal_density_per_hz(const runtime::DelayNetworkWeights& network) {
  double samples = 0;
  const runtime::Graph graph = runtime::line_graph(network);
  for (const std::vector<int>& lines : runtime::connected_groups(graph)) {
    if (!runtime::is_loop(graph, lines)) continue;
    for (const int j : lines) samples += network.delays[static_cast<std::size_t>(j)];
  }
  return samples / network.sample_rate_hz;
}

Level structural_level(const runtime::DelayNetworkWeights* network) {
  if (!network) return nothing_at("structural", "an autoencoder: it has no delay network");
  if (network->lines == 0) return nothing_at("structural", "a response without delay lines");
  constexpr double kLosslessDb = 0.01;
  const runtime::DelayNetworkWeights& w = *network;
  const Losslessness lossless = measure_losslessness(w);
  if (lossless.loops == 0) return nothing_at("structural", "no loop: nothing comes back to itself");
  Figure error{"lossless_error_db", lossless.error_db}, margin{"stability_margin_db", {}},
      slowest{"slowest_line_t60_s", {}};
  if (lossless.singular) {
    error.value.reset();
    error.why_not = "a loop's matrix is singular: filters stand in it as lines";
  }
  const double gain = runtime::loop_gain_bound(w);
  if (w.nonlinear.is_there())
    margin.why_not = "the loop is not linear: what it adds depends on how loud it is";
  else if (gain < 1)
    margin.value = -20 * std::log10(gain);
  else
    margin.why_not = "no bound below 1 on the loop gain: the loader has shown otherwise that it decays";
  const double longest = longest_t60_s(w);
  if (!error.value || *error.value > kLosslessDb)
    slowest.why_not = "the matrix itself takes energy away, or adds some";
  else if (std::isfinite(longest))
    slowest.value = longest;
  else
    slowest.why_not = "a line that loses nothing at some frequency";
  return {"structural",
          {{"lines", w.lines}, {"loops", lossless.loops}, {"lines_in_loops", lossless.lines}, error, margin, slowest},
          ""};
}

}  // namespace diffverb
