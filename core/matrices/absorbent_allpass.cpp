#include <ATen/ops/atanh.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/tanh.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/matrices/matrix_exponential.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// A gain never reaches 1, whatever its parameter: at 1 the allpass would let nothing into its delay.
constexpr double kLargest = 0.999;

/// Half of the lines are delays, the other half are in allpasses behind them: a network of N / 2 lines with a Schroeder
/// allpass in each.
///
///   A = [ -Q g  Q; 1 - g^2  g ],  Q = exp(S - S^T),  g = 0.999 tanh(p) on the diagonal
///
/// Line N/2 + i is the delay inside the allpass -g + (1 - g^2) z^-m / (1 - g z^-m) through which line i reaches Q. Not
/// orthogonal, but T A T^-1 is with T = diag(1, 1 / sqrt(1 - g^2)): every pole has modulus 1 for any delays.
///
/// Reads    gain_low, gain_high: g evenly drawn between them at the start
/// Throws   ConfigError where N is odd
/// Source   Schlecht and Habets 2015, "Time-varying feedback matrices in feedback delay networks", equation 10
class AbsorbentAllpass final : public FeedbackMatrix {
 public:
  explicit AbsorbentAllpass(Fields& f) {
    f.optional("gain_low", low_, inside(-kLargest, kLargest));
    f.optional("gain_high", high_, inside(-kLargest, kLargest));
    if (low_ > high_) f.fail("gain_low", "expected at most gain_high, " + std::to_string(high_));
  }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    require_lines(*this, "absorbent_allpass", lines, "an even number");
    Random random(seed, "absorbent_allpass");
    auto gains = at::empty({lines / 2}, at::kDouble);
    for (std::int64_t i = 0; i < lines / 2; ++i) gains.mutable_data_ptr<double>()[i] = random.uniform(low_, high_);
    p_ = trainable(at::atanh(gains / kLargest), dtype);
    s_ = trainable(logarithm_of_rotation(haar_orthogonal(lines / 2, seed, /*special=*/true)) / 2, dtype);
  }
  at::Tensor matrix() const override {
    require_reset(s_, "absorbent_allpass");
    const auto s = s_.to(at::kDouble), g = gains();
    const auto q = matrix_exponential(s - s.t());
    return at::cat({at::cat({-q * g, q}, 1), at::cat({at::diag(1 - g.square()), at::diag(g)}, 1)}).to(s_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override { return {{"p", p_}, {"s", s_}}; }
  bool exists_for(std::int64_t lines) const override { return lines >= 2 && lines % 2 == 0; }
  LoopProperty property() const override { return LoopProperty::kLossless; }
  at::Tensor scaling() const override {
    require_reset(s_, "absorbent_allpass");
    const auto g = gains().detach();
    return at::cat({at::ones_like(g), (1 - g.square()).rsqrt()});
  }

 private:
  at::Tensor gains() const { return kLargest * at::tanh(p_.to(at::kDouble)); }  // [N / 2]

  double low_ = 0.3, high_ = 0.7;
  at::Tensor p_;  // [N / 2]
  at::Tensor s_;  // [N / 2, N / 2]
};

}  // namespace

DIFFVERB_PART(matrices, absorbent_allpass, AbsorbentAllpass,
              "Trained rotation of N / 2 lines, each through an allpass with a trained gain; N even",
              "Schlecht and Habets 2015")

}  // namespace diffverb
