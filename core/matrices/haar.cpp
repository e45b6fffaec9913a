#include "core/matrices/haar.h"

#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_det.h>
#include <ATen/ops/linalg_eig.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/real.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/seed.h"

namespace diffverb {

at::Tensor normal_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Random random(seed, "matrices");
  auto m = at::empty({rows, columns}, at::kDouble);
  auto* values = m.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < rows * columns; ++i) values[i] = random.normal();
  return m;
}

at::Tensor haar_orthogonal(std::int64_t lines, std::uint64_t seed, bool special) {
  const auto [q, r] = at::linalg_qr(normal_matrix(lines, lines, seed));
  // The factorisation's own choice of signs is not even: those of R's diagonal undo it.
  auto orthogonal = q * r.diagonal().sign();
  if (special && at::linalg_det(orthogonal).item<double>() < 0) orthogonal.select(1, 0).neg_();
  return orthogonal;
}

at::Tensor logarithm_of_rotation(const at::Tensor& rotation) {
  // A normal matrix: its eigenvectors are orthogonal, its eigenvalues are exp(j angle).
  const auto [values, vectors] = at::linalg_eig(rotation);
  const auto angles = values.angle();
  const auto exponents = at::complex(at::zeros_like(angles), angles);
  const auto log = at::real((vectors * exponents).mm(vectors.conj().t().resolve_conj()));
  return (log - log.t()) / 2;
}

at::Tensor trainable(const at::Tensor& value, at::ScalarType dtype) {
  return value.detach().to(dtype, /*non_blocking=*/false, /*copy=*/true).contiguous().set_requires_grad(true);
}

void require_lines(const FeedbackMatrix& matrix, const char* name, std::int64_t lines, const char* expected) {
  if (matrix.exists_for(lines)) return;
  std::int64_t smaller = lines - 1, larger = std::max<std::int64_t>(lines + 1, 1);
  while (smaller > 0 && !matrix.exists_for(smaller)) --smaller;
  const std::int64_t last = 4 * larger + 64;
  while (larger < last && !matrix.exists_for(larger)) ++larger;
  std::string message =
      std::string("feedback matrix ") + name + ": " + std::to_string(lines) + " lines, expected " + expected + ": ";
  if (smaller > 0) message += std::to_string(smaller) + (larger < last ? " or " : "");
  if (larger < last) message += std::to_string(larger);
  throw ConfigError(message);
}

void require_reset(const at::Tensor& tensor, const char* name) {
  if (!tensor.defined())
    throw ContractError(std::string("feedback matrix ") + name + ": reset() comes before matrix()");
}

}  // namespace diffverb
