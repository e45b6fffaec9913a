#include "core/network/loop_growth.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "core/network/filter_lines.h"
#include "core/network/loops.h"
#include "core/solvers/time_kernel.h"

namespace diffverb {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int kWindows = 24;
constexpr double kAboveFirst = 100, kAboveMiddle = 4;  // in energy
constexpr double kPassive = 1 + 1e-6;
constexpr int kMostSamples = 48000;    // of a loop with long lines: then fewer windows fit, and less is seen
constexpr double kMostProducts = 3e9;  // some tenths of a second
constexpr double kMostFill = 10;       // of that, to fill the lines with

/// The lines of one loop.
struct Loop {
  Rows a;                            // [n, n]
  std::vector<std::int64_t> delays;  // [n], 0: a filter
  std::vector<double> sos;           // [n, S, 5]
  int sections = 0;
};

Loop loop_of(const std::vector<int>& group, const double* a, const double* delays, const double* sos, int lines,
             int sections) {
  const auto n = static_cast<Eigen::Index>(group.size());
  Loop loop;
  loop.sections = sections;
  loop.a.resize(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const int line = group[static_cast<std::size_t>(i)];
    for (Eigen::Index j = 0; j < n; ++j) loop.a(i, j) = a[line * lines + group[static_cast<std::size_t>(j)]];
    loop.delays.push_back(delays[line] > 0 ? std::max<std::int64_t>(1, std::llround(delays[line])) : 0);
    const double* first = sos + std::ptrdiff_t{5} * line * sections;
    loop.sos.insert(loop.sos.end(), first, first + std::ptrdiff_t{5} * sections);
  }
  return loop;
}

/// The most that a cascade lets through, on a grid: enough to choose what is played.
double largest_gain(std::span<const double> q) {
  if (q.empty()) return 1;
  constexpr int kPoints = 65;
  double largest = 0;
  for (int k = 0; k < kPoints; ++k) {
    // 0, and sixths of an octave up to half the rate.
    const auto z = std::polar(1.0, k == 0 ? 0.0 : -std::numbers::pi * std::exp2((k - (kPoints - 1)) / 6.0));
    std::complex<double> gain = 1;
    for (std::size_t s = 0; s < q.size(); s += 5)
      gain *= (q[s] + z * (q[s + 1] + z * q[s + 2])) / (1.0 + z * (q[s + 3] + z * q[s + 4]));
    largest = std::max(largest, std::abs(gain));
  }
  return largest;
}

/// |A diag(h)|_2 <= 1 by the circles of Gershgorin around the products of its columns.
bool is_passive(const Loop& loop) {
  Rows scaled = loop.a;
  const std::size_t each = 5 * static_cast<std::size_t>(loop.sections);
  for (Eigen::Index j = 0; j < scaled.cols(); ++j)
    scaled.col(j) *= largest_gain(std::span(loop.sos).subspan(static_cast<std::size_t>(j) * each, each));
  const Rows products = scaled.transpose() * scaled;
  return products.cwiseAbs().rowwise().sum().maxCoeff() <= kPassive;
}

/// Numbers in -0.5 .. 0.5, the same everywhere: std::uniform_real_distribution differs between standard libraries.
std::vector<double> noise(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> out(count);
  for (double& value : out) value = std::ldexp(static_cast<double>(random() >> 11), -53) - 0.5;
  return out;
}

/// What the loop makes of a burst of noise that fills every line, by windows behind it: their energies.
std::vector<double> energies(const Loop& loop, int burst, int window, int windows) {
  TimeProblem<double> p;
  p.samples = burst + window * windows;
  p.lines = static_cast<int>(loop.a.rows());
  p.inputs = p.outputs = 1;
  p.sections = loop.sections;
  const auto lines = static_cast<std::size_t>(p.lines);
  const std::vector<double> b = noise(lines, 1), c = noise(lines, 2), d{0};
  std::vector<double> input = noise(static_cast<std::size_t>(p.samples), 3);
  std::fill(input.begin() + burst, input.end(), 0.0);
  p.a = loop.a.data(), p.b = b.data(), p.c = c.data(), p.d = d.data();
  p.delays = loop.delays.data();
  p.filter_lines = filter_lines_of(p.a, 1, without_delay(p.delays, p.lines)).order;
  p.sos = loop.sos.data();
  p.input = input.data();
  std::vector<double> heard(static_cast<std::size_t>(p.samples)), tape(time_tape_size(p));
  time_forward(p, heard.data(), tape.data());
  std::vector<double> out;
  for (auto from = heard.begin() + burst; from != heard.end(); from += window)
    out.push_back(std::inner_product(from, from + window, from, 0.0));
  return out;
}

bool grows(const Loop& loop) {
  const auto longest = static_cast<int>(*std::max_element(loop.delays.begin(), loop.delays.end()));
  const auto products = static_cast<double>(loop.a.size()) + static_cast<double>(loop.sos.size());
  const double most = std::min<double>(kMostSamples, kMostProducts / products);
  const int window = std::max(1, std::min(longest, static_cast<int>(most / kWindows)));
  if (longest > kMostFill * most) return false;  // too long to be heard
  const std::vector<double> heard = energies(loop, longest, window, kWindows);
  const double first = heard.front(), middle = heard[kWindows / 2], last = heard.back();
  if (std::any_of(heard.begin(), heard.end(), [](double energy) { return !std::isfinite(energy); })) return true;
  return last > kAboveFirst * first && last > kAboveMiddle * middle;
}

}  // namespace

std::string loop_heard_growing(const double* a, const double* delays, const double* sos, int lines, int sections) {
  for (const auto& group : loops_of(a, lines)) {
    const Loop loop = loop_of(group, a, delays, sos, lines, sections);
    if (std::all_of(loop.delays.begin(), loop.delays.end(), [](std::int64_t delay) { return delay == 0; })) continue;
    if (is_passive(loop) || !grows(loop)) continue;
    return "the loop of " + std::to_string(group.size()) + " line(s) with line " + std::to_string(group[0]) +
           " grows: noise in it becomes louder and louder";
  }
  return "";
}

}  // namespace diffverb
