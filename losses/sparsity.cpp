#include <cmath>
#include <sstream>

#include "losses/loss.h"

namespace diffverb {
namespace {

/// Sparsity of the feedback matrix: what a colourless network keeps low.
///
///   L = mean ( sum_ij |A_ij| - N sqrt N ) / ( N (1 - sqrt N) )
///
/// For an orthogonal matrix L is in [0, 1]: 1 for a permutation (the lines do not mix; the sum is N), 0 where all
/// entries have the modulus 1 / sqrt N (Hadamard; the sum is N sqrt N). A matrix that is not orthogonal can lie
/// outside.
///
/// Reads    response.feedback_matrix [..., N, N], N >= 2; nothing of the target
/// Returns  scalar without unit. value_at_target() is 0, what the densest orthogonal matrix reaches; the target has no
///          part in it
/// Gradient sign(A_ij) / (N (1 - sqrt N)); 0 where an entry is 0; finite everywhere
/// Throws   ContractError where the response has no feedback matrix, or it is not square, real and at least 2 x 2
/// Source   Dal Santo, Prawda, Schlecht and Valimaki, Optimizing tiny colorless feedback delay networks, 2024 (arXiv
///          2402.11216)
class Sparsity final : public Loss {
 public:
  explicit Sparsity(Fields&) {}

  void prepare(const Response&) override {}
  at::Tensor evaluate(const Response& response) const override {
    const at::Tensor& matrix = response.get("feedback_matrix");
    if (matrix.dim() < 2 || matrix.size(-1) != matrix.size(-2) || matrix.size(-1) < 2 || !matrix.is_floating_point()) {
      std::ostringstream message;
      message << "sparsity: feedback_matrix must be [..., N, N], real, N >= 2, got " << matrix.sizes() << ' '
              << matrix.dtype();
      throw ContractError(message.str());
    }
    const auto n = static_cast<double>(matrix.size(-1));
    return ((matrix.abs().sum({-2, -1}) - n * std::sqrt(n)) / (n * (1 - std::sqrt(n)))).mean();
  }
};

}  // namespace

DIFFVERB_PART(losses, sparsity, Sparsity, "Sparsity of the feedback matrix: 0 for Hadamard, 1 for a permutation",
              "Dal Santo et al. 2024 (colourless)")

}  // namespace diffverb
