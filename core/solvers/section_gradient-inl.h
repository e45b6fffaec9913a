// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_SECTION_GRADIENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_SECTION_GRADIENT_INL_H_
#undef DIFFVERB_SECTION_GRADIENT_INL_H_
#else
#define DIFFVERB_SECTION_GRADIENT_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <array>
#include <vector>

#include "core/solvers/recursion-inl.h"
#include "core/solvers/svf.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace time_kernel {
/// Gradient sums of the sections' state-variable coefficients. Those of one segment are added in double: over a long
/// response float32 alone would lose digits.
template <typename Scalar>
class SectionSums {
 public:
  explicit SectionSums(const Recursion<Scalar>& r)
      : padded_(r.padded_),
        all_(static_cast<std::size_t>(r.p_.sections) * 6 * r.padded_, 0),
        now_(r.aligned(all_.size())) {}

  Scalar* now() { return now_.get(); }  // [S, 6, padded]
  void flush() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      all_[i] += now_[i];
      now_[i] = 0;
    }
  }

  /// Back to b0 b1 b2 a1 a2: [N, S, 5].
  std::vector<double> section_gradients(const TimeProblem<Scalar>& p) const {
    std::vector<double> out(static_cast<std::size_t>(p.lines) * p.sections * 5, 0);
    for (int s = 0; s < p.sections; ++s) {
      for (int j = 0; j < p.lines; ++j) {
        const std::size_t at = 5 * (static_cast<std::size_t>(j) * p.sections + s);
        std::array<Dual<5>, 5> q;
        for (int i = 0; i < 5; ++i) q[i] = Dual<5>::variable(p.sos[at + i], i);
        const Svf<Dual<5>> f = svf_from_sos(q[0], q[1], q[2], q[3], q[4]);
        const Dual<5>* parts[6] = {&f.a1, &f.a2, &f.a3, &f.m0, &f.m1, &f.m2};
        for (int k = 0; k < 6; ++k) {
          const double g = all_[(s * 6 + k) * padded_ + j];
          for (int i = 0; i < 5; ++i) out[at + i] += g * parts[k]->partial[i];
        }
      }
    }
    return out;
  }

 private:
  int padded_;
  std::vector<double> all_;
  hwy::AlignedFreeUniquePtr<Scalar[]> now_;
};

}  // namespace time_kernel
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
