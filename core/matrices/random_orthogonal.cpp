#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/reflections.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// A fixed matrix drawn evenly from all orthogonal ones.
///
///   Q of the QR factorisation of a normal matrix, its columns times the signs of R's diagonal
///
/// Reads    method: qr (Mezzadri's), or listing: the product of reflections as a C++ listing has it that circulates for
///          scipy.stats.ortho_group, orthogonal but not even (core/matrices/reflections.h)
/// Source   Mezzadri 2007, "How to generate random matrices from the classical compact groups"
class RandomOrthogonal final : public FeedbackMatrix {
 public:
  explicit RandomOrthogonal(Fields& f) { f.choice("method", method_, {"qr", "listing"}); }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    Random random(seed, "random_orthogonal");
    const auto draw = [&] { return random.normal(); };
    a_ = (method_ == "qr" ? haar_orthogonal(lines, seed, /*special=*/false) : listed_orthogonal(lines, draw)).to(dtype);
  }
  at::Tensor matrix() const override {
    require_reset(a_, "random_orthogonal");
    return a_;
  }

 private:
  std::string method_ = "qr";
  at::Tensor a_;  // [N, N]
};

}  // namespace

DIFFVERB_PART(matrices, random_orthogonal, RandomOrthogonal, "Fixed, drawn evenly from all orthogonal matrices",
              "Mezzadri 2007")

}  // namespace diffverb
