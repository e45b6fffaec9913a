#pragma once

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_eigvals.h>
#include <ATen/ops/linalg_matrix_norm.h>
#include <ATen/ops/zeros.h>

#include <memory>
#include <string>
#include <vector>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/tensor.h"
#include "tests/core/solvers/network_fixture.h"

namespace diffverb {

inline std::unique_ptr<FeedbackMatrix> make_matrix(const std::string& name, const std::string& yaml = "{}") {
  Fields fields = Fields::from_text(yaml);
  return family<FeedbackMatrix>().make(name, fields);
}

inline at::Tensor matrix_of(const std::string& name, std::int64_t lines, std::uint64_t seed,
                            const std::string& yaml = "{}") {
  const auto matrix = make_matrix(name, yaml);
  matrix->reset(lines, seed, at::kDouble);
  return matrix->matrix().detach();
}

/// The first N from `at_least` on for which the matrix exists.
inline std::int64_t valid_lines(const FeedbackMatrix& matrix, std::int64_t at_least) {
  while (!matrix.exists_for(at_least)) ++at_least;
  return at_least;
}

inline double distance_from_orthogonal(const at::Tensor& a) {
  const auto wide = a.detach().to(at::kDouble);
  return largest(wide.mm(wide.t()) - at::eye(a.size(0), at::kDouble));
}

/// How far a matrix is from what its property() says: 0 where it holds.
inline double distance_from_property(const FeedbackMatrix& matrix) {
  const auto a = matrix.matrix().detach().to(at::kDouble);
  switch (matrix.property()) {
    case LoopProperty::kOrthogonal:
      return distance_from_orthogonal(a);
    case LoopProperty::kLossless: {
      const auto t = matrix.scaling();
      EXPECT_GT(t.min().item<double>(), 0);
      return distance_from_orthogonal(t.unsqueeze(1) * a / t.unsqueeze(0));
    }
    case LoopProperty::kUnitPoles:
      return std::max(largest(a.triu(1)), largest(a.diagonal().abs() - 1));
    case LoopProperty::kDecaying:
      return std::max(0.0, at::linalg_matrix_norm(a, 2).item<double>() - (1 - 1e-6));
  }
  return 1;
}

/// Throws every parameter to normal numbers of this size.
inline void move_parameters(FeedbackMatrix& matrix, double size, std::uint64_t seed) {
  at::NoGradGuard no_grad;
  for (auto& [name, parameter] : matrix.parameters()) {
    auto target = parameter;
    target.copy_((size * normal_matrix(target.numel(), 1, seed++)).reshape(target.sizes()));
  }
}

/// Moduli of all poles of the loop v(n) = A s(n), s_j(n) = v_j(n - m_j): the eigenvalues of its shift registers.
inline at::Tensor pole_moduli(const at::Tensor& a, const std::vector<std::int64_t>& delays) {
  std::vector<std::int64_t> first;
  std::int64_t size = 0;
  for (const std::int64_t delay : delays) {
    first.push_back(size);
    size += delay;
  }
  auto state = at::zeros({size, size}, at::kDouble);
  for (std::size_t j = 0; j < delays.size(); ++j) {
    for (std::int64_t i = 1; i < delays[j]; ++i) state[first[j] + i][first[j] + i - 1] = 1;
    for (std::size_t k = 0; k < delays.size(); ++k) {
      state[first[j]][first[k] + delays[k] - 1] = a[static_cast<std::int64_t>(j)][static_cast<std::int64_t>(k)];
    }
  }
  return at::linalg_eigvals(state).abs();
}

/// Delays of 1 to 9 samples.
inline std::vector<std::int64_t> random_delays(std::int64_t lines, std::uint64_t seed) {
  Random random(seed, "delays");
  std::vector<std::int64_t> delays;
  for (std::int64_t j = 0; j < lines; ++j) delays.push_back(random.integer(1, 9));
  return delays;
}

}  // namespace diffverb
