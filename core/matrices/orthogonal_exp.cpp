#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/matrix_exponential.h"

namespace diffverb {
namespace {

/// Every rotation, through the matrix exponential of a skew-symmetric matrix.
///
///   A = exp(S - S^T)
///
/// Reads    init: haar (A evenly from all rotations) or normal (S_ij normal with standard deviation 1 / N: small
///          rotations)
/// Source   Lezcano-Casado and Martinez-Rubio 2019; Dal Santo et al. 2023, "Differentiable feedback delay network for
///          colorless reverberation"
class OrthogonalExp final : public FeedbackMatrix {
 public:
  explicit OrthogonalExp(Fields& f) { f.choice("init", init_, {"haar", "normal"}); }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    const auto s = init_ == "haar" ? logarithm_of_rotation(haar_orthogonal(lines, seed, /*special=*/true)) / 2
                                   : normal_matrix(lines, lines, seed) / static_cast<double>(lines);
    s_ = trainable(s, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(s_, "orthogonal_exp");
    const auto s = s_.to(at::kDouble);  // the exponential of a few lines costs nothing in double
    return matrix_exponential(s - s.t()).to(s_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override { return {{"s", s_}}; }

 private:
  std::string init_ = "haar";
  at::Tensor s_;  // [N, N]
};

}  // namespace

DIFFVERB_PART(matrices, orthogonal_exp, OrthogonalExp, "Trained rotation, A = exp(S - S^T)",
              "Lezcano-Casado and Martinez-Rubio 2019; Dal Santo et al. 2023")

}  // namespace diffverb
