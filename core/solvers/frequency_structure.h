#pragma once

#include <vector>

#include "core/solvers/frequency_kernel.h"

namespace diffverb {

/// A problem as the kernel likes it best, found from the feedback matrix alone.
///
/// Loops: lines that hear each other, directly or through others, form a block; the lines are put in an order in which
/// A is block lower triangular, so that elimination stays within blocks. A parallel of networks, a cascade and a
/// triangular matrix cost what their loops cost.
/// Rank one: A = diag(d) + u v^T, as a Householder reflection is, to within rounding of A's type: every bin is then
/// solved in O(N) by the formula of Sherman and Morrison.
/// A circulant matrix is solved as a dense one: what is inverted is diag(1/g_i) - A with a gain g_i of each line's own
/// delay and filter, which a Fourier transform over the lines does not diagonalise.
///
/// Source   Tarjan 1972 (strongly connected components); Sherman and Morrison 1950
template <typename Scalar>
class StructuredProblem {
 public:
  explicit StructuredProblem(const FrequencyProblem<Scalar>& given);
  StructuredProblem(const StructuredProblem&) = delete;
  StructuredProblem& operator=(const StructuredProblem&) = delete;

  const FrequencyProblem<Scalar>& problem() const { return problem_; }
  /// The gradient of the problem that was given.
  FrequencyGradient in_given_order(const FrequencyGradient& gradient) const;
  int blocks() const { return blocks_; }
  bool rank_one() const { return problem_.left != nullptr; }

 private:
  void find_loops(const FrequencyProblem<Scalar>& given);
  void permute(const FrequencyProblem<Scalar>& given);
  void find_rank_one();

  FrequencyProblem<Scalar> problem_;
  int blocks_ = 1;
  std::vector<int> order_;  // order_[k] is the given line at place k; empty: as given
  std::vector<int> block_begin_, block_end_;
  std::vector<Scalar> a_, b_, c_;
  std::vector<double> delays_, sos_, diagonal_, left_, right_;
};

}  // namespace diffverb
