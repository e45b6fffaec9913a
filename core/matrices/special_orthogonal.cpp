#include <ATen/ops/ones.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/reflections.h"

namespace diffverb {
namespace {

/// A trained rotation (determinant +1) as a product of reflections, drawn evenly from all of them.
///
///   A = diag(d) R_1 .. R_(N-1),  R_k = I - 2 v_k v_k^T / (v_k^T v_k),  d fixed signs with det diag(d) = (-1)^(N-1)
///
/// Every rotation has such vectors, whatever the signs; only the direction of a vector counts.
///
/// Source   Stewart 1980; Mezzadri 2007; Mhammedi et al. 2017, "Efficient orthogonal parametrisation of recurrent neural
///          networks using Householder reflections"
class SpecialOrthogonal final : public FeedbackMatrix {
 public:
  explicit SpecialOrthogonal(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    const auto v = reflection_vectors(lines, seed);
    // Mezzadri's signs: those of the vectors' first entries, and for the last line what makes the determinant +1.
    signs_ = at::ones({lines, 1}, at::kDouble);
    if (lines > 1) signs_.slice(0, 0, lines - 1).copy_(v.diagonal().sign().unsqueeze(1));
    const bool odd = (lines - 1) % 2 != 0;
    signs_[lines - 1] = signs_.prod() * (odd ? -1 : 1);
    v_ = trainable(v, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(v_, "special_orthogonal");
    return (signs_ * reflection_product(v_.to(at::kDouble))).to(v_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override {
    if (!v_.defined() || v_.numel() == 0) return {};
    return {{"v", v_}};
  }

 private:
  at::Tensor signs_;  // [N, 1]
  at::Tensor v_;      // [N, N - 1]
};

}  // namespace

DIFFVERB_PART(matrices, special_orthogonal, SpecialOrthogonal,
              "Trained rotation, a product of N - 1 reflections; starts as an even draw", "Stewart 1980; Mezzadri 2007")

}  // namespace diffverb
