#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/reflections.h"

namespace diffverb {
namespace {

/// A trained knob between the identity (every line for itself: strong early reflections, thin tail) and a rotation that
/// mixes all lines.
///
///   A = diag(-1, .., -1, 1) R_1 .. R_(N-1),  R_n reflects along x_n + |x_n| e_n,  x_n = e_n + amount g_n
///
/// where g_n is normal in the entries after n and 0 before, fixed by the seed. amount = 0 is the identity exactly (the
/// signs in front are for that), 1 mixes about as much as any rotation; the determinant is always +1. x_n never turns
/// over, so A is smooth in the amount, of either sign.
///
/// Reads    amount: where it starts
/// Source   Mezzadri 2007 for the product; the first entry held at 1 is common practice for feedback delay networks
class IdentityAmount final : public FeedbackMatrix {
 public:
  explicit IdentityAmount(Fields& f) { f.optional("amount", start_, at_least(0)); }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    normals_ = normal_matrix(lines, lines, seed).tril(-1).slice(1, 0, lines - 1).contiguous();
    signs_ = -at::ones({lines, 1}, at::kDouble);
    signs_[lines - 1] = 1;
    amount_ = trainable(at::ones({1}, at::kDouble) * start_, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(amount_, "identity_amount");
    const auto rest = amount_.to(at::kDouble) * normals_;
    const auto first = 1 + (1 + rest.square().sum(0)).sqrt();
    const auto axes = at::eye(normals_.size(0), normals_.size(1), at::kDouble);
    return (signs_ * reflection_product(rest + axes * first)).to(amount_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override { return {{"amount", amount_}}; }

 private:
  double start_ = 0.5;
  at::Tensor normals_;  // [N, N - 1]
  at::Tensor signs_;    // [N, 1]
  at::Tensor amount_;   // [1]
};

}  // namespace

DIFFVERB_PART(matrices, identity_amount, IdentityAmount,
              "Trained knob from the identity (0) to a rotation that mixes all lines (about 1)", "Mezzadri 2007")

}  // namespace diffverb
