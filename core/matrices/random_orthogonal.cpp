#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"

namespace diffverb {
namespace {

/// A fixed matrix drawn evenly from all orthogonal ones.
///
/// Source   Mezzadri 2007, "How to generate random matrices from the classical compact groups"
class RandomOrthogonal final : public FeedbackMatrix {
 public:
  explicit RandomOrthogonal(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t seed, torch::ScalarType dtype) override {
    a_ = haar_orthogonal(lines, seed, /*special=*/false).to(dtype);
  }
  torch::Tensor matrix() const override {
    require_reset(a_, "random_orthogonal");
    return a_;
  }

 private:
  torch::Tensor a_;  // [N, N]
};

}  // namespace

DIFFVERB_PART(matrices, random_orthogonal, RandomOrthogonal, "Fixed, drawn evenly from all orthogonal matrices",
              "Mezzadri 2007")

}  // namespace diffverb
