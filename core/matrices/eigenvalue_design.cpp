#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/softplus.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/matrix_exponential.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kDbToNeper = 0.11512925464970229;  // ln 10 / 20
/// Every eigenvalue loses at least this, dB a pass, so that the matrix decays in single precision too.
constexpr double kLeastDb = 1e-4;

/// A matrix made from its eigenvalues, all of them trained, and an orthogonal basis, trained too.
///
///   A = V L V^-1,  V = exp(S - S^T),  L = blocks r_k [cos theta_k, -sin theta_k; sin theta_k, cos theta_k]
///
/// so the eigenvalues are r_k exp(+-j theta_k), and one real r for odd N; r_k = exp(-softplus(rho_k)) times a hair below 1.
/// A is normal: |A|_2 = max r_k < 1, so the loop decays for any delays and any parameters. What a mode loses a pass is
/// what A's eigenvalues lose only where all delays are equal; elsewhere every mode's loss lies between the least and the
/// greatest (decay time about 60 dB / decay_db times the mean delay).
///
/// Reads    decay_db: mean loss a pass; decay_spread: losses are drawn from decay_db (1 +- decay_spread); angle_spread:
///          theta_k lie about evenly between 0 and pi times this
/// Source   the condition for the spectrum: Schlecht and Habets 2017; V L V^-1 with V orthogonal: Horn and Johnson,
///          "Matrix analysis", section 2.5 (real normal matrices)
class EigenvalueDesign final : public FeedbackMatrix {
 public:
  explicit EigenvalueDesign(Fields& f) {
    f.optional("decay_db", decay_db_, above(0), "dB");
    f.optional("decay_spread", decay_spread_, between(0, 1));
    f.optional("angle_spread", angle_spread_, between(0, 1));
  }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    Random random(seed, "eigenvalue_design");
    const std::int64_t pairs = lines / 2;
    auto losses = at::empty({pairs + lines % 2}, at::kDouble), angles = at::empty({pairs}, at::kDouble);
    for (std::int64_t k = 0; k < losses.size(0); ++k) {
      const double loss = decay_db_ * (1 + decay_spread_ * random.uniform(-1, 1));
      losses.mutable_data_ptr<double>()[k] = kDbToNeper * std::max(loss - kLeastDb, kLeastDb);
    }
    for (std::int64_t k = 0; k < pairs; ++k) {
      const double place = (static_cast<double>(k) + random.uniform(0.25, 0.75)) / static_cast<double>(pairs);
      angles.mutable_data_ptr<double>()[k] = std::numbers::pi * angle_spread_ * place;
    }
    rho_ = trainable(at::expm1(losses).log(), dtype);  // softplus(rho) = loss
    theta_ = trainable(angles, dtype);
    s_ = trainable(logarithm_of_rotation(haar_orthogonal(lines, seed, /*special=*/true)) / 2, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(s_, "eigenvalue_design");
    const auto s = s_.to(at::kDouble), theta = theta_.to(at::kDouble);
    const auto r = (-at::softplus(rho_.to(at::kDouble)) - kDbToNeper * kLeastDb).exp();
    const std::int64_t pairs = theta.size(0);
    const auto v = matrix_exponential(s - s.t());
    const auto first = v.slice(1, 0, pairs), second = v.slice(1, pairs, 2 * pairs), real = v.slice(1, 2 * pairs);
    const auto radius = r.slice(0, 0, pairs), c = radius * theta.cos(), d = radius * theta.sin();
    const auto turned = at::cat({first * c + second * d, second * c - first * d, real * r.slice(0, pairs)}, 1);  // V L
    return turned.mm(v.t()).to(s_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override {
    if (!s_.defined()) return {};
    std::map<std::string, at::Tensor> out{{"rho", rho_}, {"s", s_}};
    if (theta_.numel() > 0) out["theta"] = theta_;
    return out;
  }
  LoopProperty property() const override { return LoopProperty::kDecaying; }

 private:
  double decay_db_ = 1, decay_spread_ = 0.5, angle_spread_ = 1;
  at::Tensor rho_;    // [ceil(N / 2)]
  at::Tensor theta_;  // [floor(N / 2)]
  at::Tensor s_;      // [N, N]
};

}  // namespace

DIFFVERB_PART(matrices, eigenvalue_design, EigenvalueDesign,
              "Trained eigenvalues r exp(+-j theta), r < 1, on a trained orthogonal basis",
              "Schlecht and Habets 2017; Horn and Johnson 2013")

}  // namespace diffverb
