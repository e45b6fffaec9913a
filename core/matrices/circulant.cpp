#include <ATen/TensorIndexing.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>

#include <numbers>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// An orthogonal matrix whose rows are one another's shifts: N log2 N operations a sample, and a sound of a pipe.
///
///   A_ij = c_((i - j) mod N),  DFT of c: exp(j phase_k), conjugate symmetric; +-1 at k = 0 and, for even N, at N / 2
///
/// The DFT of c are A's eigenvalues. The phases are trained; the two signs come from the seed.
///
/// Source   Rocchesso and Smith 1997, "Circulant and elliptic feedback delay networks for artificial reverberation"
class Circulant final : public FeedbackMatrix {
 public:
  explicit Circulant(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    Random random(seed, "circulant");
    lines_ = lines;
    const auto sign = [&] { return at::ones({1}, at::kDouble) * (random.uniform() < 0.5 ? -1.0 : 1.0); };
    first_ = sign();
    last_ = lines % 2 == 0 ? sign() : at::empty({0}, at::kDouble);
    auto phases = at::empty({(lines - 1) / 2}, at::kDouble);
    for (std::int64_t k = 0; k < phases.size(0); ++k)
      phases.mutable_data_ptr<double>()[k] = random.uniform(-std::numbers::pi, std::numbers::pi);
    phases_ = trainable(phases, dtype);
    const auto i = at::arange(lines, at::kLong);
    shifts_ = (i.unsqueeze(1) - i.unsqueeze(0)).remainder(lines);
  }
  at::Tensor matrix() const override {
    require_reset(phases_, "circulant");
    const auto phases = phases_.to(at::kDouble);
    const auto real = at::cat({first_, phases.cos(), last_});
    const auto imaginary = at::cat({at::zeros_like(first_), phases.sin(), at::zeros_like(last_)});
    const auto c = lines_ == 1 ? first_ : at::fft_irfft(at::complex(real, imaginary), lines_);
    return c.index({shifts_}).to(phases_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override {
    if (!phases_.defined() || phases_.numel() == 0) return {};
    return {{"phases", phases_}};
  }

 private:
  std::int64_t lines_ = 0;
  at::Tensor first_, last_;  // [1] and, for odd N, [0]
  at::Tensor phases_;        // [(N - 1) / 2]
  at::Tensor shifts_;        // [N, N]
};

}  // namespace

DIFFVERB_PART(matrices, circulant, Circulant, "Trained phases of a circulant orthogonal matrix's eigenvalues",
              "Rocchesso and Smith 1997")

}  // namespace diffverb
