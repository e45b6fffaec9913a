#include <ATen/ops/cat.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/linalg_eig.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/real.h>
#include <ATen/ops/sgn.h>
#include <ATen/ops/zeros_like.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/matrix_exponential.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// A trained unitary matrix of N / 2 complex lines, written in real ones: line i is the real part, line N/2 + i the
/// imaginary part of complex line i (give both the same delay and filter).
///
///   U = exp(K),  K = (S - S^T) + j (T + T^T),   A = [ Re U  -Im U; Im U  Re U ]
///
/// A complex line's modes need no conjugate: a loop turned by phases that no real matrix of N / 2 lines has. A is
/// orthogonal and commutes with [0 -1; 1 0], the multiplication by j; it starts as an even draw from the unitary group.
///
/// Throws   ConfigError where N is odd
/// Source   Mezzadri 2007 for the draw; Schlecht and Habets 2017 for unitary feedback matrices
class ComplexUnitary final : public FeedbackMatrix {
 public:
  explicit ComplexUnitary(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    require_lines(*this, "complex_unitary", lines, "an even number");
    const std::int64_t m = lines / 2;
    const auto [q, r] = at::linalg_qr(at::complex(normal_matrix(m, m, derive_seed(seed, "real")),
                                                  normal_matrix(m, m, derive_seed(seed, "imaginary"))));
    const auto unitary = q * at::sgn(r.diagonal());
    // A normal matrix: its eigenvectors are orthogonal, its eigenvalues are exp(j angle).
    const auto [values, vectors] = at::linalg_eig(unitary);
    const auto angles = values.angle();
    const auto log = (vectors * at::complex(at::zeros_like(angles), angles)).mm(vectors.conj().t().resolve_conj());
    const auto real = at::real(log), imaginary = at::imag(log);
    s_ = trainable((real - real.t()) / 4, dtype);
    t_ = trainable((imaginary + imaginary.t()) / 4, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(s_, "complex_unitary");
    const auto s = s_.to(at::kDouble), t = t_.to(at::kDouble);
    const auto skew = s - s.t(), symmetric = t + t.t();
    const auto k = at::cat({at::cat({skew, -symmetric}, 1), at::cat({symmetric, skew}, 1)});
    return matrix_exponential(k).to(s_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override { return {{"s", s_}, {"t", t_}}; }
  bool exists_for(std::int64_t lines) const override { return lines >= 2 && lines % 2 == 0; }

 private:
  at::Tensor s_, t_;  // [N / 2, N / 2]
};

}  // namespace

DIFFVERB_PART(matrices, complex_unitary, ComplexUnitary,
              "Trained unitary matrix of N / 2 complex lines as real ones; N even",
              "Mezzadri 2007; Schlecht and Habets 2017")

}  // namespace diffverb
