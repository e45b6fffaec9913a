#include "core/network/loop_growth.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "core/network/filter_lines.h"
#include "core/network/loops.h"

namespace diffverb {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int kWindows = 24;
constexpr double kAboveFirst = 100, kAboveMiddle = 4;  // in energy
constexpr double kPassive = 1 + 1e-6;
constexpr int kMostSamples = 48000;    // of a loop with long lines: then fewer windows fit, and less is seen
constexpr double kMostProducts = 3e9;  // some tenths of a second
constexpr int kLongestBlock = 256;

/// The lines of one loop.
struct Loop {
  Rows a;                              // [n, n]
  std::vector<int> delays;             // 0: a filter
  std::vector<std::vector<double>> q;  // [n] sections of 5
};

Loop loop_of(const std::vector<int>& group, const double* a, const double* delays, const double* sos, int lines,
             int sections) {
  const auto n = static_cast<Eigen::Index>(group.size());
  Loop loop;
  loop.a.resize(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const int line = group[static_cast<std::size_t>(i)];
    for (Eigen::Index j = 0; j < n; ++j) loop.a(i, j) = a[line * lines + group[static_cast<std::size_t>(j)]];
    loop.delays.push_back(delays[line] > 0 ? std::max(1, static_cast<int>(std::lround(delays[line]))) : 0);
    const double* first = sos + std::ptrdiff_t{5} * line * sections;
    loop.q.emplace_back(first, first + std::ptrdiff_t{5} * sections);
  }
  return loop;
}

/// The most that a cascade lets through, on a grid: enough to choose what is played.
double largest_gain(const std::vector<double>& q) {
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
  for (Eigen::Index j = 0; j < scaled.cols(); ++j) scaled.col(j) *= largest_gain(loop.q[static_cast<std::size_t>(j)]);
  const Rows products = scaled.transpose() * scaled;
  return products.cwiseAbs().rowwise().sum().maxCoeff() <= kPassive;
}

class Player {
 public:
  explicit Player(const Loop& loop) : loop_(loop), state_(loop.q.size()) {
    std::vector<bool> is_filter;
    std::mt19937_64 random(1);
    for (std::size_t j = 0; j < loop.q.size(); ++j) {
      is_filter.push_back(loop.delays[j] == 0);
      state_[j].assign(loop.q[j].size() / 5 * 2, 0.0);
      if (is_filter[j]) continue;
      block_ = std::min(block_, loop.delays[j]);
      auto& ring = rings_.emplace_back(static_cast<std::size_t>(loop.delays[j]));
      // Not std::normal_distribution, which differs between standard libraries.
      for (double& value : ring) value = std::ldexp(static_cast<double>(random() >> 11), -53) - 0.5;
    }
    filters_ = filter_lines_of(loop.a.data(), 1, is_filter).order;
    at_.assign(rings_.size(), 0);
    signals_ = Rows::Zero(loop.a.rows(), block_);
  }

  /// Energy of what the lines put out over `samples`.
  double advance(int samples) {
    double energy = 0;
    for (int done = 0; done < samples; done += block_) energy += advance_block(std::min(block_, samples - done));
    return energy;
  }

 private:
  double advance_block(int count) {
    for_each_ring([&](Eigen::Index line, std::vector<double>& ring, std::size_t at) {
      for (int t = 0; t < count; ++t) signals_(line, t) = ring[(at + static_cast<std::size_t>(t)) % ring.size()];
    });
    const double energy = signals_.leftCols(count).squaredNorm();
    for (const int line : filters_) {
      signals_.row(line).setZero();
      signals_.row(line).head(count) = loop_.a.row(line) * signals_.leftCols(count);
      filter(line, signals_.row(line).data(), count);
    }
    Rows driven = loop_.a * signals_.leftCols(count);
    for_each_ring([&](Eigen::Index line, std::vector<double>& ring, std::size_t& at) {
      filter(line, driven.row(line).data(), count);
      for (int t = 0; t < count; ++t) ring[(at + static_cast<std::size_t>(t)) % ring.size()] = driven(line, t);
      at = (at + static_cast<std::size_t>(count)) % ring.size();
    });
    return energy;
  }

  template <typename Work>
  void for_each_ring(const Work& work) {
    std::size_t ring = 0;
    for (std::size_t j = 0; j < loop_.delays.size(); ++j) {
      if (loop_.delays[j] == 0) continue;
      work(static_cast<Eigen::Index>(j), rings_[ring], at_[ring]);
      ++ring;
    }
  }

  void filter(Eigen::Index line, double* x, int count) {
    const auto& q = loop_.q[static_cast<std::size_t>(line)];
    auto& state = state_[static_cast<std::size_t>(line)];
    for (std::size_t s = 0; s < q.size() / 5; ++s) {
      const double *c = q.data() + 5 * s, b0 = c[0], b1 = c[1], b2 = c[2], a1 = c[3], a2 = c[4];
      double one = state[2 * s], two = state[2 * s + 1];
      for (int t = 0; t < count; ++t) {
        const double y = b0 * x[t] + one;
        one = b1 * x[t] - a1 * y + two;
        two = b2 * x[t] - a2 * y;
        x[t] = y;
      }
      state[2 * s] = one;
      state[2 * s + 1] = two;
    }
  }

  const Loop& loop_;
  std::vector<std::vector<double>> rings_, state_;
  std::vector<std::size_t> at_;
  std::vector<int> filters_;
  int block_ = kLongestBlock;
  Rows signals_;
};

bool grows(const Loop& loop) {
  const int longest = *std::max_element(loop.delays.begin(), loop.delays.end());
  double products = static_cast<double>(loop.a.size());
  for (const auto& q : loop.q) products += static_cast<double>(q.size());
  const double most = std::min<double>(kMostSamples, kMostProducts / products);
  const int window = std::max(1, std::min(longest, static_cast<int>(most / kWindows)));
  Player player(loop);
  double first = 0, middle = 0, last = 0;
  for (int k = 0; k < kWindows; ++k) {
    last = player.advance(window);
    if (k == 0) first = last;
    if (k == kWindows / 2) middle = last;
    if (!std::isfinite(last)) return true;
  }
  return last > kAboveFirst * first && last > kAboveMiddle * middle;
}

}  // namespace

std::string loop_heard_growing(const double* a, const double* delays, const double* sos, int lines, int sections) {
  for (const auto& group : loops_of(a, lines)) {
    const Loop loop = loop_of(group, a, delays, sos, lines, sections);
    if (std::all_of(loop.delays.begin(), loop.delays.end(), [](int delay) { return delay == 0; })) continue;
    if (is_passive(loop) || !grows(loop)) continue;
    return "the loop of " + std::to_string(group.size()) + " line(s) with line " + std::to_string(group[0]) +
           " grows: noise in it becomes louder and louder";
  }
  return "";
}

}  // namespace diffverb
