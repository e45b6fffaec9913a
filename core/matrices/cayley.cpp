#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve_ex.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// The Cayley transform of a skew-symmetric matrix: every rotation but those that turn something by half a turn.
///
///   A = (I - K) (I + K)^-1,  K = S - S^T
///
/// Source   Helfrich et al. 2018, "Orthogonal recurrent neural networks with scaled Cayley transform"
class Cayley final : public FeedbackMatrix {
 public:
  explicit Cayley(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    // A turn near half a turn has a huge K, which no optimiser moves: such a draw is made again.
    at::Tensor k;
    for (int draw = 0; draw < 100; ++draw) {
      k = transform(haar_orthogonal(lines, derive_seed(seed, "cayley" + std::to_string(draw)), /*special=*/true));
      if (k.abs().max().item<double>() < 10) break;
    }
    s_ = trainable((k - k.t()) / 4, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(s_, "cayley");
    const auto s = s_.to(at::kDouble);
    return transform(s - s.t()).to(s_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override { return {{"s", s_}}; }

 private:
  /// (I - M) (I + M)^-1, which is its own inverse; both factors commute.
  static at::Tensor transform(const at::Tensor& m) {
    const auto identity = at::eye(m.size(0), m.options().requires_grad(false));
    // I + M is never singular; the plain solve would ask the device whether it was.
    return std::get<0>(at::linalg_solve_ex(identity + m, identity - m));
  }

  at::Tensor s_;  // [N, N]
};

}  // namespace

DIFFVERB_PART(matrices, cayley, Cayley, "Trained rotation, A = (I - K)(I + K)^-1 with K = S - S^T",
              "Helfrich et al. 2018")

}  // namespace diffverb
