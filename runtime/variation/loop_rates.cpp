#include "runtime/variation/loop_rates.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

#include "runtime/network_graph.h"
#include "runtime/network_plan.h"
#include "runtime/variation/loop_measurement.h"
#include "runtime/variation/network_response.h"

namespace diffverb::runtime {
namespace {

constexpr double kOrthogonal = 1e-3;  // how well columns must be, to lose what each of them loses
constexpr double kAlike = 0.25;       // how far the lines' own rates may lie from their mean
constexpr double kDiffuser = 0.35;    // of the slowest loop's decay time

std::size_t at(const DelayNetworkWeights& w, int row, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(w.lines) + static_cast<std::size_t>(column);
}

double delay_s(const DelayNetworkWeights& w, int line) {
  return w.delays[static_cast<std::size_t>(line)] / w.sample_rate_hz;
}

/// The rate of a loop whose only delay is that of `line`: what comes back to it, through filter lines.
std::vector<double> rate_of_single(const DelayNetworkWeights& w, const std::vector<int>& group, int line,
                                   const std::vector<double>& hz) {
  std::vector<int> filters;
  for (const int j : filter_line_order(w)) {
    if (std::find(group.begin(), group.end(), j) != group.end()) filters.push_back(j);
  }
  std::vector<double> rates;
  std::vector<std::complex<double>> out(static_cast<std::size_t>(w.lines));
  for (const double f : hz) {
    std::fill(out.begin(), out.end(), 0.0);
    out[static_cast<std::size_t>(line)] = line_gain(w, line, f);
    const auto taken_in = [&](int j) {
      std::complex<double> sum = 0;
      for (const int k : group) sum += static_cast<double>(w.A[at(w, j, k)]) * out[static_cast<std::size_t>(k)];
      return sum;
    };
    for (const int j : filters) out[static_cast<std::size_t>(j)] = line_gain(w, j, f) * taken_in(j);
    rates.push_back(-std::log(std::max(std::abs(taken_in(line)), 1e-12)) / delay_s(w, line));
  }
  return rates;
}

/// What each line loses by the matrix: the norms of its columns, where these are orthogonal; else empty.
std::vector<double> matrix_losses(const DelayNetworkWeights& w, const std::vector<int>& group) {
  const std::size_t n = group.size();
  std::vector<double> products(n * n, 0.0), losses(n);
  for (const int row : group) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j)
        products[i * n + j] += static_cast<double>(w.A[at(w, row, group[i])]) * w.A[at(w, row, group[j])];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    losses[i] = std::sqrt(products[i * n + i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (!(std::abs(products[i * n + j]) <= kOrthogonal * losses[i] * losses[j])) return {};
    }
  }
  return losses;
}

/// Rates of lines each of which has a loss of its own; false where the loop is not of that kind.
bool own_rates(const DelayNetworkWeights& w, const std::vector<int>& group, LoopRates& rates) {
  const std::vector<double> losses = matrix_losses(w, group);
  if (losses.empty()) return false;
  std::vector<std::vector<double>> own;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const double seconds = delay_s(w, group[i]);
    if (seconds == 0) return false;
    own.emplace_back();
    for (const double f : rates.hz)
      own[i].push_back(-(std::log(losses[i]) + std::log(std::abs(line_gain(w, group[i], f)))) / seconds);
  }
  for (std::size_t f = 0; f < rates.hz.size(); ++f) {
    double mean = 0;
    for (const auto& line : own) mean += line[f] / static_cast<double>(own.size());
    for (const auto& line : own) {
      if (!(std::abs(line[f] - mean) <= kAlike * std::abs(mean) + 1e-3)) return false;
    }
  }
  for (std::size_t i = 0; i < group.size(); ++i) rates.of_line[static_cast<std::size_t>(group[i])] = own[i];
  return true;
}

/// What the whole group has as its rate, at the frequencies.
std::vector<double> mean_over(const LoopRates& rates, const std::vector<int>& group) {
  std::vector<double> mean(rates.hz.size(), 0.0);
  for (const int j : group) {
    for (std::size_t f = 0; f < mean.size(); ++f)
      mean[f] += rates.of_line[static_cast<std::size_t>(j)][f] / static_cast<double>(group.size());
  }
  return mean;
}

double slowest_of(const std::vector<double>& rates) { return *std::min_element(rates.begin(), rates.end()); }

}  // namespace

LoopRates loop_rates(const DelayNetworkWeights& w, std::vector<double> hz, bool measure) {
  LoopRates rates{std::move(hz), {}, {}};
  rates.of_line.resize(static_cast<std::size_t>(w.lines));
  if (w.lines == 0 || is_allpass(w)) return rates;
  const Graph graph = line_graph(w);
  std::vector<std::vector<int>> loops;
  std::vector<std::vector<double>> means;
  for (const std::vector<int>& group : connected_groups(graph)) {
    if (!is_loop(graph, group)) continue;
    const auto has_delay = [&](int j) { return w.delays[static_cast<std::size_t>(j)] > 0; };
    const auto delays = std::count_if(group.begin(), group.end(), has_delay);
    if (delays == 1 || !own_rates(w, group, rates)) {
      if (delays != 1 && !measure) continue;
      const int line = *std::find_if(group.begin(), group.end(), has_delay);
      const auto found = delays == 1 ? rate_of_single(w, group, line, rates.hz) : measured_rates(w, group, rates.hz);
      for (const int j : group) rates.of_line[static_cast<std::size_t>(j)] = found;
    }
    loops.push_back(group), means.push_back(mean_over(rates, group));
  }
  if (loops.empty()) return rates;
  rates.slowest = means[0];
  for (const auto& mean : means) {
    for (std::size_t f = 0; f < mean.size(); ++f) rates.slowest[f] = std::min(rates.slowest[f], mean[f]);
  }
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const bool filters =
        std::any_of(loops[i].begin(), loops[i].end(), [&](int j) { return !line_filter(w, j).empty(); });
    if (filters || !(kDiffuser * slowest_of(means[i]) > slowest_of(rates.slowest))) continue;
    for (const int j : loops[i]) rates.of_line[static_cast<std::size_t>(j)].clear();
  }
  return rates;
}

}  // namespace diffverb::runtime
