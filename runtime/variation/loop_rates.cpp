#include "runtime/variation/loop_rates.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>

#include "runtime/network_graph.h"
#include "runtime/network_plan.h"
#include "runtime/variation/loop_measurement.h"
#include "runtime/variation/matrix_losses.h"
#include "runtime/variation/network_response.h"

namespace diffverb::runtime {
namespace {

constexpr double kAlike = 0.25;                              // how far the lines' own rates may lie from their mean
constexpr double kDiffuser = 0.35, kFilteredDiffuser = 0.2;  // of the slowest loop's decay time

double delay_s(const DelayNetworkWeights& w, int line) {
  return w.delays[static_cast<std::size_t>(line)] / w.sample_rate_hz;
}

std::vector<double> matrix_of(const DelayNetworkWeights& w, const std::vector<int>& group) {
  std::vector<double> matrix;
  for (const int j : group) {
    for (const int k : group)
      matrix.push_back(
          w.A[static_cast<std::size_t>(j) * static_cast<std::size_t>(w.lines) + static_cast<std::size_t>(k)]);
  }
  return matrix;
}

double total_delay_s(const DelayNetworkWeights& w, const std::vector<int>& group) {
  double sum = 0;
  for (const int j : group) sum += delay_s(w, j);
  return sum;
}

/// Every line has a delay and loses about as much a second as all of them, by matrix and filters.
bool are_alike(const DelayNetworkWeights& w, const LineLosses& loop, const std::vector<double>& hz) {
  for (std::size_t f = 0; f < hz.size(); ++f) {
    double mean = 0, least = 1e300, most = -1e300;
    for (std::size_t i = 0; i < loop.lines.size(); ++i) {
      const double seconds = delay_s(w, loop.lines[i]);
      if (seconds == 0) return false;
      const double rate = (loop.loss[i][f] + interpolation_log_gain(w, loop.lines[i], hz[f])) / seconds;
      mean += rate / static_cast<double>(loop.lines.size());
      least = std::min(least, rate), most = std::max(most, rate);
    }
    if (!(most - least <= 2 * kAlike * std::abs(mean) + 1e-3)) return false;
  }
  return true;
}

LineLosses losses_of(const DelayNetworkWeights& w, const std::vector<int>& group, const std::vector<double>& columns,
                     const std::vector<double>& hz) {
  LineLosses loop;
  loop.lines = group, loop.rate.assign(hz.size(), 0.0);
  const double seconds = total_delay_s(w, group);
  for (std::size_t i = 0; i < group.size(); ++i) {
    loop.loss.emplace_back();
    for (std::size_t f = 0; f < hz.size(); ++f) {
      const double gain = columns[i] * std::abs(line_gain(w, group[i], hz[f]));
      loop.loss[i].push_back(-std::log(std::max(gain, 1e-12)) - interpolation_log_gain(w, group[i], hz[f]));
      loop.rate[f] += loop.loss[i][f] / seconds;
    }
  }
  loop.each_by_itself = are_alike(w, loop, hz);
  const auto delays = std::count_if(group.begin(), group.end(), [&](int j) { return delay_s(w, j) > 0; });
  loop.is_exact = loop.each_by_itself || delays < 2;
  return loop;
}

LineLosses measured_losses(const DelayNetworkWeights& w, const std::vector<int>& group,
                           const std::vector<double>& rate) {
  LineLosses loop{group, {}, rate, true, false};
  for (const int j : group) {
    loop.loss.push_back(rate);
    for (double& loss : loop.loss.back()) loss *= delay_s(w, j);
  }
  return loop;
}

/// In what share of the slowest loop's time one only diffuses; 0 where it is heard to decay however short it is.
double diffuser_share(const DelayNetworkWeights& w, const LineLosses& loop) {
  const auto filters = [&](int j) { return !line_filter(w, j).empty(); };
  if (std::none_of(loop.lines.begin(), loop.lines.end(), filters)) return kDiffuser;
  return loop.is_exact ? 0 : kFilteredDiffuser;
}

double slowest_of(const std::vector<double>& rates) { return *std::min_element(rates.begin(), rates.end()); }

}  // namespace

LoopRates loop_rates(const DelayNetworkWeights& w, std::vector<double> hz, bool measure) {
  LoopRates rates;
  rates.hz = std::move(hz);
  if (w.lines == 0 || is_allpass(w)) return rates;
  const Graph graph = line_graph(w);
  std::vector<std::vector<int>> others;
  for (const std::vector<int>& group : connected_groups(graph)) {
    if (!is_loop(graph, group)) continue;
    const std::vector<double> columns = matrix_losses(matrix_of(w, group), static_cast<int>(group.size()));
    if (!columns.empty())
      rates.loops.push_back(losses_of(w, group, columns, rates.hz));
    else if (measure)
      others.push_back(group);
  }
  if (!others.empty()) rates.measured = measured_rates(w, rates.hz);
  for (const auto& group : others) rates.loops.push_back(measured_losses(w, group, rates.measured));
  for (const LineLosses& loop : rates.loops) {
    if (rates.slowest.empty()) rates.slowest = loop.rate;
    for (std::size_t f = 0; f < loop.rate.size(); ++f) rates.slowest[f] = std::min(rates.slowest[f], loop.rate[f]);
  }
  const auto diffusers = std::stable_partition(rates.loops.begin(), rates.loops.end(), [&](const LineLosses& loop) {
    return diffuser_share(w, loop) * slowest_of(loop.rate) <= slowest_of(rates.slowest);
  });
  rates.diffusers.assign(std::make_move_iterator(diffusers), std::make_move_iterator(rates.loops.end()));
  rates.loops.erase(diffusers, rates.loops.end());
  const bool all_exact =
      std::all_of(rates.loops.begin(), rates.loops.end(), [](const auto& loop) { return loop.is_exact; });
  if (!measure || all_exact) return rates;
  if (rates.measured.empty()) rates.measured = measured_rates(w, rates.hz);
  rates.correction.assign(rates.hz.size(), 1.0);
  return rates;
}

}  // namespace diffverb::runtime
