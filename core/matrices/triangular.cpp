#include <ATen/ops/diag.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tril_indices.h>
#include <ATen/ops/zeros.h>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"
#include "core/seed.h"

namespace diffverb {
namespace {

/// Line i hears itself and the lines before it: strong early reflections, and a metallic sound.
///
///   A_ij = 0 for j > i,  A_ii = +-1,  A_ij for j < i trained
///
/// Nothing comes back to a line but its own: det(I - A G) = prod (1 - A_ii h_i z^-m_i), so every pole has modulus 1
/// without line filters, and inside the circle as soon as |h_i| < 1 on every line, whatever stands below the diagonal.
/// But poles coincide (all lines with +1 share z = 1), and k of them in a row grow as n^(k-1): it is the line filters that
/// keep the loop stable, and how far it swells before it decays goes like prod (1 + |A_ij| / (1 - |h_i|)). So the start is
/// small: each line hears the others with about `strength` altogether.
///
/// Reads    strength: standard deviation of N A_ij at the start; diagonal: signs (drawn) or ones
/// Source   Schlecht and Habets 2017, "On lossless feedback delay networks"
class Triangular final : public FeedbackMatrix {
 public:
  explicit Triangular(Fields& f) {
    f.optional("strength", strength_, at_least(0));
    f.choice("diagonal", diagonal_, {"signs", "ones"});
  }

  void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) override {
    Random random(seed, "triangular");
    auto signs = at::ones({lines}, at::kDouble);
    for (std::int64_t i = 0; i < lines && diagonal_ == "signs"; ++i)
      signs.mutable_data_ptr<double>()[i] = random.uniform() < 0.5 ? -1 : 1;
    signs_ = at::diag(signs);
    const std::int64_t below = lines * (lines - 1) / 2;
    const double size = strength_ / static_cast<double>(lines);
    lower_ = trainable(normal_matrix(below, 1, seed).reshape({below}) * size, dtype);
    const auto places = at::tril_indices(lines, lines, -1);
    rows_ = places[0], columns_ = places[1];
  }
  at::Tensor matrix() const override {
    require_reset(lower_, "triangular");
    const auto lower = lower_.to(at::kDouble);
    return signs_.index_put({rows_, columns_}, lower).to(lower_.scalar_type());
  }
  std::map<std::string, at::Tensor> parameters() const override {
    if (!lower_.defined() || lower_.numel() == 0) return {};
    return {{"lower", lower_}};
  }
  LoopProperty property() const override { return LoopProperty::kUnitPoles; }

 private:
  double strength_ = 1;
  std::string diagonal_ = "signs";
  at::Tensor signs_;           // [N, N]
  at::Tensor rows_, columns_;  // [N (N - 1) / 2]
  at::Tensor lower_;           // [N (N - 1) / 2], by rows
};

}  // namespace

DIFFVERB_PART(matrices, triangular, Triangular, "Trained below a diagonal of +-1: no line's sound comes back to it",
              "Schlecht and Habets 2017")

}  // namespace diffverb
