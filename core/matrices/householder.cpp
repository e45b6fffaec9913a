#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"

namespace diffverb {
namespace {

/// A trained reflection: 2 N operations a sample instead of N^2.
///
///   A = I - 2 v v^T / (v^T v)
///
/// Reads    init: normal (v_i normal) or ones (Jot's matrix: every line mixes into every other one alike)
/// Source   Jot and Chaigne 1991, "Digital delay networks for designing artificial reverberators"
class Householder final : public FeedbackMatrix {
 public:
  explicit Householder(Fields& f) { f.choice("init", init_, {"normal", "ones"}); }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    v_ = trainable(init_ == "ones" ? at::ones({lines}, at::kDouble) : normal_matrix(lines, 1, seed).reshape({lines}),
                   dtype);
  }
  at::Tensor matrix() const override {
    require_reset(v_, "householder");
    const auto v = v_.to(at::kDouble);
    const auto power = v.dot(v) + 1e-200;  // v = 0 is no reflection: A = I
    return (at::eye(v.size(0), v.options().requires_grad(false)) - 2 * v.outer(v) / power).to(v_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override { return {{"v", v_}}; }

 private:
  std::string init_ = "normal";
  at::Tensor v_;  // [N]
};

}  // namespace

DIFFVERB_PART(matrices, householder, Householder, "Trained reflection, A = I - 2 v v^T / (v^T v)",
              "Jot and Chaigne 1991")

}  // namespace diffverb
