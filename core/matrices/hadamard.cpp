#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>

#include <cmath>

#include "core/matrices/haar.h"
#include "core/matrices/matrix.h"

namespace diffverb {
namespace {

/// Sylvester's Hadamard matrix, fixed: N log2 N additions a sample.
///
///   H_1 = [1],  H_2n = [H_n H_n; H_n -H_n],  A = H_N / sqrt(N)
///
/// Throws   ConfigError where N is not a power of two
/// Source   Sylvester 1867; Smith 2010, "Physical Audio Signal Processing"
class Hadamard final : public FeedbackMatrix {
 public:
  explicit Hadamard(Fields&) {}

  void reset(std::int64_t lines, std::uint64_t, at::ScalarType dtype) override {
    require_lines(*this, "hadamard", lines, "a power of two");
    a_ = hadamard_matrix(lines).to(dtype);
  }
  bool exists_for(std::int64_t lines) const override { return lines >= 1 && (lines & (lines - 1)) == 0; }
  at::Tensor matrix() const override {
    require_reset(a_, "hadamard");
    return a_;
  }

 private:
  at::Tensor a_;  // [N, N]
};

}  // namespace

at::Tensor hadamard_matrix(std::int64_t lines) {
  auto h = at::ones({1, 1}, at::kDouble);
  while (h.size(0) < lines) h = at::cat({at::cat({h, h}, 1), at::cat({h, -h}, 1)});
  return h / std::sqrt(static_cast<double>(lines));
}

DIFFVERB_PART(matrices, hadamard, Hadamard, "Fixed, all entries +-1 / sqrt(N); N a power of two",
              "Sylvester 1867; Smith 2010")

}  // namespace diffverb
