// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_STFT_DISTANCE_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_STFT_DISTANCE_KERNEL_INL_H_
#undef DIFFVERB_STFT_DISTANCE_KERNEL_INL_H_
#else
#define DIFFVERB_STFT_DISTANCE_KERNEL_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/spectral/frame_transform-inl.h"
#include "core/spectral/stft_distance_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace stft_distance {

using V = Vec<float>;

/// 1 / sqrt(x) for x >= 1e-30
HWY_INLINE V inverse_root(V x) {
  const Tag<float> tag;
  if (!HWY_ARCH_X86) return hn::Div(hn::Set(tag, 1.0f), hn::Sqrt(x));
  const V y = hn::ApproximateReciprocalSqrt(x), half = hn::Mul(hn::Set(tag, 0.5f), x);
  return hn::Mul(y, hn::NegMulAdd(hn::Mul(half, y), y, hn::Set(tag, 1.5f)));
}

template <int N1, int N2>
class Kernel final : public StftDistanceKernel {
 public:
  static constexpr int kSize = N1 * N2, kPositions = kSize / 2 + 1;

  Kernel(const std::vector<float>& window, int hop_size, int most_frames)
      : hop_(hop_size),
        transform_(hop_size, most_frames, window, window),
        logarithm_transform_(hop_size, most_frames, window, window),
        lanes_(transform_.lanes()),
        signal_(zeros(transform_.signal_size())),
        squared_gradient_(zeros(transform_.signal_size())),
        logarithm_gradient_(zeros(transform_.signal_size())),
        columns_(zeros(std::size_t{8} * N2 * lanes_)) {}

  int batch_frames() const override { return 2 * lanes_; }
  std::size_t target_size(int frames) const override {
    return std::size_t{2} * lanes_ * kPositions * static_cast<std::size_t>(batches(frames));
  }

  void make_target(const float* signal, int frames, float floor_power, float* target) override {
    load(signal, frames);
    floor_ = floor_power;
    for (int batch = 0; batch < batches(frames); ++batch) {
      transform_.forward_rows(signal_.get(), batch);
      columns<Work::kTarget>(target + target_size(1) * batch);
    }
  }

  Sums measure(const float* signal, int frames, float floor_power, const float* target, float* squared_gradient,
               float* logarithm_gradient) override {
    load(signal, frames);
    floor_ = floor_power;
    sums_ = {};
    const bool gradients = squared_gradient != nullptr;
    if (gradients) {
      for (Floats* g : {&squared_gradient_, &logarithm_gradient_})
        std::fill_n(g->get(), transform_.signal_size(), 0.0f);
    }
    for (int batch = 0; batch < batches(frames); ++batch) {
      transform_.forward_rows(signal_.get(), batch);
      float* at = const_cast<float*>(target) + target_size(1) * batch;  // only kTarget writes
      gradients ? columns<Work::kGradients>(at) : columns<Work::kDistance>(at);
      if (!gradients) continue;
      transform_.inverse_rows(squared_gradient_.get(), batch);
      logarithm_transform_.inverse_rows(logarithm_gradient_.get(), batch);
    }
    if (gradients) {
      store(squared_gradient_, frames, squared_gradient);
      store(logarithm_gradient_, frames, logarithm_gradient);
    }
    return sums_;
  }

 private:
  enum class Work { kTarget, kDistance, kGradients };

  int batches(int frames) const { return (frames + 2 * lanes_ - 1) / (2 * lanes_); }

  /// The signal by its place within a hop, silence behind it.
  void load(const float* signal, int frames) {
    transform_.set_frames(frames);
    const int length = hop_ * (frames - 1) + kSize;
    const std::size_t row = transform_.place(1);
    std::fill_n(signal_.get(), transform_.signal_size(), 0.0f);
    for (int from = 0, block = 0; from < length; from += hop_, ++block) {
      float* to = signal_.get() + block;
      const int count = std::min(hop_, length - from);
      for (int i = 0; i < count; ++i) to[row * i] = signal[from + i];
    }
  }
  void store(const Floats& placed, int frames, float* signal) const {
    const int length = hop_ * (frames - 1) + kSize;
    const std::size_t row = transform_.place(1);
    for (int from = 0, block = 0; from < length; from += hop_, ++block) {
      const float* at = placed.get() + block;
      const int count = std::min(hop_, length - from);
      for (int i = 0; i < count; ++i) signal[from + i] = at[row * i];
    }
  }

  Pack<float> column(int i) const { return {columns_.get() + std::size_t{2} * i * N2 * lanes_}; }

  /// All bins of a batch, k together with N - k; `target` [positions][2] vectors.
  template <Work kWork>
  void columns(float* target) {
    V squared = hn::Zero(Tag<float>()), logarithm = squared;
    pair_of_columns<kWork>(0, 0, target, squared, logarithm);
    pair_of_columns<kWork>(N1 / 2, N1 / 2, target, squared, logarithm);
    for (int k1 = 1; k1 < N1 / 2; ++k1) pair_of_columns<kWork>(k1, N1 - k1, target, squared, logarithm);
    sums_.squared += hn::GetLane(hn::SumOfLanes(Tag<float>(), squared));
    sums_.logarithm += hn::GetLane(hn::SumOfLanes(Tag<float>(), logarithm));
  }

  /// Columns k1 and N1 - k1, which hold each other's mirrored bins.
  template <Work kWork>
  void pair_of_columns(int k1, int mirror, float*& target, V& squared, V& logarithm) {
    const bool alone = k1 == mirror;
    const Pack<float> p = column(0), q = column(alone ? 0 : 1), p_log = column(2), q_log = column(alone ? 2 : 3);
    transform_.forward_column(k1, p);
    if (!alone) transform_.forward_column(mirror, q);
    const int count = k1 == 0 ? N2 / 2 + 1 : (alone ? N2 / 2 : N2);
    for (int k2 = 0; k2 < count; ++k2, target += 2 * lanes_) {
      const int other = k1 == 0 ? (N2 - k2) % N2 : N2 - 1 - k2;
      bins<kWork>(p, q, p_log, q_log, k2, other, k1 == 0 && k2 == other, target, squared, logarithm);
    }
    if constexpr (kWork == Work::kGradients) {
      transform_.inverse_column(k1, p);
      logarithm_transform_.inverse_column(k1, p_log);
      if (alone) return;
      transform_.inverse_column(mirror, q);
      logarithm_transform_.inverse_column(mirror, q_log);
    }
  }

  /// Bins k (element i of p) and N - k (element j of q) hold two frames' spectra: Z = A + j B. At 0 and at half the
  /// rate they are one bin, which the way back counts once: its gradient is twice that of the others.
  template <Work kWork>
  HWY_INLINE void bins(Pack<float> p, Pack<float> q, Pack<float> p_log, Pack<float> q_log, int i, int j, bool single,
                       float* target, V& squared, V& logarithm) {
    const Tag<float> tag;
    const Cplx z = p.load(i), mirror = q.load(j);
    Cplx a{hn::Add(z.re, mirror.re), hn::Sub(z.im, mirror.im)};  // twice the spectra
    Cplx b{hn::Add(z.im, mirror.im), hn::Sub(mirror.re, z.re)};
    const V quarter = hn::Set(tag, 0.25f), floor = hn::Set(tag, floor_);
    const V power_a = hn::Mul(quarter, hn::MulAdd(a.re, a.re, hn::Mul(a.im, a.im)));
    const V power_b = hn::Mul(quarter, hn::MulAdd(b.re, b.re, hn::Mul(b.im, b.im)));
    const V clamped_a = hn::Max(power_a, floor), clamped_b = hn::Max(power_b, floor);
    const V inverse_a = inverse_root(clamped_a), inverse_b = inverse_root(clamped_b);
    const V m_a = hn::Mul(clamped_a, inverse_a), m_b = hn::Mul(clamped_b, inverse_b);
    if constexpr (kWork == Work::kTarget) {
      hn::Store(m_a, tag, target);
      hn::Store(m_b, tag, target + lanes_);
      return;
    }
    const V t_a = hn::Load(tag, target), t_b = hn::Load(tag, target + lanes_);
    const V d_a = hn::Sub(m_a, t_a), d_b = hn::Sub(m_b, t_b);
    squared = hn::Add(squared, hn::MulAdd(d_a, d_a, hn::Mul(d_b, d_b)));
    // One logarithm for both: of the larger ones over the smaller ones.
    const V large = hn::Mul(hn::Max(m_a, t_a), hn::Max(m_b, t_b)),
            small = hn::Mul(hn::Min(m_a, t_a), hn::Min(m_b, t_b));
    logarithm = hn::Add(logarithm, hn::Log(tag, hn::Div(large, small)));
    if constexpr (kWork == Work::kGradients) {
      const V share = hn::Set(tag, single ? 0.5f : 0.25f);
      const V share_a = hn::IfThenElseZero(hn::Ge(power_a, floor), share);
      const V share_b = hn::IfThenElseZero(hn::Ge(power_b, floor), share);
      store_pair(p, q, i, j, scaled(a, hn::Mul(share_a, hn::Mul(d_a, inverse_a))),
                 scaled(b, hn::Mul(share_b, hn::Mul(d_b, inverse_b))));
      store_pair(p_log, q_log, i, j, scaled(a, hn::Mul(share_a, sign_over(d_a, inverse_a))),
                 scaled(b, hn::Mul(share_b, sign_over(d_b, inverse_b))));
    }
  }

  static HWY_INLINE Cplx scaled(Cplx x, V by) { return {hn::Mul(x.re, by), hn::Mul(x.im, by)}; }
  /// sign(d) inverse^2, 0 where d is
  static HWY_INLINE V sign_over(V d, V inverse) {
    const V value = hn::CopySign(hn::Mul(inverse, inverse), d);
    return hn::IfThenElseZero(hn::Ne(d, hn::Zero(Tag<float>())), value);
  }
  static HWY_INLINE void store_pair(Pack<float> p, Pack<float> q, int i, int j, Cplx a, Cplx b) {
    p.store(i, {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)});
    q.store(j, {hn::Add(a.re, b.im), hn::Sub(b.re, a.im)});
  }

  int hop_;
  FrameTransform<N1, N2> transform_, logarithm_transform_;
  int lanes_;
  float floor_ = 0;
  Sums sums_;
  Floats signal_, squared_gradient_, logarithm_gradient_;  // by place within a hop
  Floats columns_;                                         // two columns of bins of either gradient
};

inline StftDistanceKernel* make(const std::vector<float>& window, int hop_size, int most_frames) {
  switch (window.size()) {
    case 512:
      return new Kernel<16, 32>(window, hop_size, most_frames);
    case 1024:
      return new Kernel<32, 32>(window, hop_size, most_frames);
    case 2048:
      return new Kernel<32, 64>(window, hop_size, most_frames);
    default:
      return nullptr;
  }
}

}  // namespace stft_distance
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
