#include "core/solvers/frequency_structure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/network/loops.h"

namespace diffverb {
template <typename Scalar>
StructuredProblem<Scalar>::StructuredProblem(const FrequencyProblem<Scalar>& given) : problem_(given) {
  find_loops(given);
  if (blocks_ == 1) find_rank_one();
}

template <typename Scalar>
void StructuredProblem<Scalar>::find_loops(const FrequencyProblem<Scalar>& given) {
  const int n = given.lines;
  const auto blocks = loops_of(given.a, n);
  blocks_ = static_cast<int>(blocks.size());
  if (blocks_ == 1) return;
  for (const auto& block : blocks) {
    const int begin = static_cast<int>(order_.size()), end = begin + static_cast<int>(block.size());
    order_.insert(order_.end(), block.begin(), block.end());
    block_begin_.insert(block_begin_.end(), block.size(), begin);
    block_end_.insert(block_end_.end(), block.size(), end);
  }
  permute(given);
}

template <typename Scalar>
void StructuredProblem<Scalar>::permute(const FrequencyProblem<Scalar>& given) {
  const int n = given.lines, inputs = given.inputs, outputs = given.outputs;
  const std::size_t filter = 5 * static_cast<std::size_t>(given.sections);
  for (const int i : order_) {
    for (const int j : order_) a_.push_back(given.a[i * n + j]);
    b_.insert(b_.end(), given.b + static_cast<std::size_t>(i) * inputs,
              given.b + static_cast<std::size_t>(i + 1) * inputs);
    delays_.push_back(given.delays[i]);
    sos_.insert(sos_.end(), given.sos + i * filter, given.sos + (i + 1) * filter);
  }
  for (int o = 0; o < outputs; ++o) {
    for (const int j : order_) c_.push_back(given.c[o * n + j]);
  }
  problem_.a = a_.data();
  problem_.b = b_.data();
  problem_.c = c_.data();
  problem_.delays = delays_.data();
  problem_.sos = sos_.data();
  problem_.block_begin = block_begin_.data();
  problem_.block_end = block_end_.data();
}

/// u and v follow from the row and the column of the largest entry off the diagonal; what they cannot give (their own
/// diagonal places) comes from the largest of the other entries.
template <typename Scalar>
void StructuredProblem<Scalar>::find_rank_one() {
  const int n = problem_.lines;
  if (n < 4) return;  // three lines are solved as fast by elimination
  const auto a = [&](int i, int j) { return static_cast<double>(problem_.a[i * n + j]); };
  int p = 0, q = 1;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      if (i != j && std::abs(a(i, j)) > std::abs(a(p, q))) p = i, q = j;
    }
  }
  if (a(p, q) == 0) return;
  std::vector<double> u(n), v(n), d(n);
  for (int i = 0; i < n; ++i) u[i] = i == q ? 0 : a(i, q);
  for (int j = 0; j < n; ++j) v[j] = j == p ? 0 : a(p, j) / a(p, q);
  int largest = -1;
  for (int j = 0; j < n; ++j) {
    if (j != p && j != q && (largest < 0 || std::abs(v[j]) > std::abs(v[largest]))) largest = j;
  }
  if (v[largest] != 0) u[q] = a(q, largest) / v[largest];
  largest = -1;
  for (int i = 0; i < n; ++i) {
    if (i != p && i != q && (largest < 0 || std::abs(u[i]) > std::abs(u[largest]))) largest = i;
  }
  if (u[largest] != 0) v[p] = a(largest, p) / u[largest];
  const double tolerance = 8 * std::numeric_limits<Scalar>::epsilon() * std::abs(a(p, q));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      if (i != j && !(std::abs(a(i, j) - u[i] * v[j]) <= tolerance)) return;
    }
    d[i] = a(i, i) - u[i] * v[i];
  }
  diagonal_ = std::move(d);
  left_ = std::move(u);
  right_ = std::move(v);
  problem_.diagonal = diagonal_.data();
  problem_.left = left_.data();
  problem_.right = right_.data();
}

template <typename Scalar>
FrequencyGradient StructuredProblem<Scalar>::in_given_order(const FrequencyGradient& gradient) const {
  if (order_.empty()) return gradient;
  const int n = problem_.lines, inputs = problem_.inputs, outputs = problem_.outputs;
  const int filter = 5 * problem_.sections;
  FrequencyGradient out = gradient;
  for (int i = 0; i < n; ++i) {
    const int line = order_[i];
    for (int j = 0; j < n; ++j) out.a[line * n + order_[j]] = gradient.a[i * n + j];
    for (int k = 0; k < inputs; ++k) out.b[line * inputs + k] = gradient.b[i * inputs + k];
    for (int o = 0; o < outputs; ++o) out.c[o * n + line] = gradient.c[o * n + i];
    out.delays[line] = gradient.delays[i];
    for (int k = 0; k < filter; ++k) out.sos[line * filter + k] = gradient.sos[i * filter + k];
  }
  return out;
}

template class StructuredProblem<float>;
template class StructuredProblem<double>;

}  // namespace diffverb
