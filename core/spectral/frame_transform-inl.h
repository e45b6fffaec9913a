// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_FRAME_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_FRAME_TRANSFORM_INL_H_
#undef DIFFVERB_FRAME_TRANSFORM_INL_H_
#else
#define DIFFVERB_FRAME_TRANSFORM_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "core/spectral/small_fft-inl.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {

using Floats = hwy::AlignedFreeUniquePtr<float[]>;

inline Floats zeros(std::size_t size) {
  auto data = hwy::AllocateAligned<float>(size);
  std::fill_n(data.get(), size, 0.0f);
  return data;
}

/// Windowed frames of a signal to columns of their transforms and back, a batch of 2 lanes() frames at a time.
///
///   n = N2 n1 + n2,  k = k1 + N1 k2:  rows (over n1, for each n2), a rotation by n2 k1, columns (over n2, for each k1)
///
/// Lane l of a batch is frame first + l in the real part and frame first + lanes + l in the imaginary part. A signal is
/// stored by its place within a hop: sample n at [n % hop][n / hop], so that consecutive frames are one load.
template <int N1, int N2>
class FrameTransform {
 public:
  static constexpr int kSize = N1 * N2;

  /// Griffin-Lim's: a Hann window, and frames whose sum is the signal again.
  FrameTransform(int hop_size, int frames) : FrameTransform(hop_size, frames, {}, {}) {
    for (int n = 0; n < kSize; ++n) {
      window_.push_back(static_cast<float>(hann(n)));
      synthesis_.push_back(static_cast<float>(hann(n) / (kSize * window_power(n % hop_))));
    }
  }
  /// Any hop; `window` [kSize] before the transform, `synthesis` [kSize] after the inverse one, which divides by nothing.
  FrameTransform(int hop_size, int frames, std::vector<float> window, std::vector<float> synthesis)
      : hop_(hop_size),
        frames_(frames),
        lanes_(static_cast<int>(hn::Lanes(Tag<float>()))),
        overlap_(((kSize - 1) / hop_size + lanes_ - 1) / lanes_),
        batches_((frames + 2 * lanes_ - 1) / (2 * lanes_)),
        stride_(static_cast<std::size_t>(2 * batches_ + overlap_) * lanes_),
        window_(std::move(window)),
        synthesis_(std::move(synthesis)),
        scratch_(zeros(2u * N1 * kRow * lanes_)),
        temp_(zeros(2u * std::max(N1, N2) * lanes_)),
        output_{zeros(N1 * output_row()), zeros(N1 * output_row())} {
    for (int n = 0; n < kSize; ++n) place_.push_back(place(n));
    for (int n2 = 0; n2 < N2; ++n2) {
      for (int k1 = 0; k1 < N1; ++k1) {
        const double angle = -2 * std::numbers::pi * n2 * k1 / kSize;
        rotation_.push_back(static_cast<float>(std::cos(angle)));
        rotation_.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }

  int lanes() const { return lanes_; }
  int batches() const { return batches_; }
  /// Fewer frames than there is room for; those beyond count as silence.
  void set_frames(int frames) { frames_ = frames; }
  std::size_t signal_size() const { return stride_ * hop_; }
  /// Of a sample of the signal with half a transform before its first sample.
  std::size_t place(int n) const { return stride_ * (n % hop_) + n / hop_; }
  static double hann(int n) { return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * n / kSize); }
  /// Sum of the squared window over the frames that meet a place within a hop.
  double window_power(int place_in_hop) const {
    double sum = 0;
    for (int n = place_in_hop; n < kSize; n += hop_) sum += hann(n) * hann(n);
    return sum;
  }

  /// The rows of a batch of frames; what lies beyond the last frame counts as silence.
  void forward_rows(const float* signal, int batch) {
    if ((batch + 1) * 2 * lanes_ > frames_) {
      rows<true>(signal, batch);
    } else {
      rows<false>(signal, batch);
    }
  }

  /// Column k1 of the transforms: [N2] bins k1 + N1 k2.
  void forward_column(int k1, Pack<float> column) {
    const Pack<float> row = scratch_row(k1);
    SmallFft<N2>::run(
        twiddles2_.data(), pack(temp_), [&](int n2) HWY_ATTR { return row.load(n2); },
        [&](int k2, Cplx x) HWY_ATTR { column.store(k2, x); });
  }

  void inverse_column(int k1, Pack<float> column) {
    const Pack<float> row = scratch_row(k1);
    SmallFft<N2>::run(
        twiddles2_.data(), pack(temp_), [&](int k2) HWY_ATTR { return swap_parts(column.load(k2)); },
        [&](int n2, Cplx x) HWY_ATTR { row.store(n2, rotate(x, rotation_.data() + 2 * (n2 * N1 + k1))); });
  }

  /// Adds the batch's frames to the signal, each under the window of the synthesis.
  void inverse_rows(float* signal, int batch) {
    if (hop_ % N2 != 0 || kSize % hop_ != 0) return inverse_rows_of_any_hop(signal, batch);
    const Pack<float> scratch = pack(scratch_);
    for (int n2 = 0; n2 < N2; ++n2) {
      float* out = output_[n2 % 2].get() + overlap_ * lanes_;
      SmallFft<N1>::run(
          twiddles1_.data(), pack(temp_), [&](int k1) HWY_ATTR { return scratch.load(k1 * kRow + n2); },
          [&](int n1, Cplx x) HWY_ATTR {
            const auto window = hn::Set(Tag<float>(), synthesis_[N2 * n1 + n2]);
            hn::Store(hn::Mul(x.im, window), Tag<float>(), out + n1 * output_row());
            hn::Store(hn::Mul(x.re, window), Tag<float>(), out + n1 * output_row() + lanes_);
          });
      // The samples before these: their stores have left the pipeline when they are loaded at other offsets.
      if (n2 > 0) overlap_add(signal, batch, n2 - 1);
    }
    overlap_add(signal, batch, N2 - 1);
  }

 private:
  static constexpr std::size_t kRow = N2 + 1;  // odd: rows a power of two apart would share one set of the cache

  Pack<float> pack(const Floats& data) const { return {data.get()}; }
  Pack<float> scratch_row(int k1) const { return {scratch_.get() + 2 * k1 * kRow * lanes_}; }
  /// Two vectors of frames, zeros before and behind them as far as frames overlap.
  std::size_t output_row() const { return static_cast<std::size_t>(2 + 2 * overlap_) * lanes_; }

  template <bool kPartial>
  void rows(const float* signal, int batch) {
    const Tag<float> tag;
    const int first = batch * 2 * lanes_;
    const float* from = signal + first;
    const auto mask = [&](int begin) HWY_ATTR {
      return hn::FirstN(tag, static_cast<std::size_t>(std::clamp(frames_ - begin, 0, lanes_)));
    };
    const auto real_mask = mask(first), imaginary_mask = mask(first + lanes_);
    const Pack<float> scratch = pack(scratch_);
    for (int n2 = 0; n2 < N2; ++n2) {
      const float* rotation = rotation_.data() + 2 * n2 * N1;
      SmallFft<N1>::run(
          twiddles1_.data(), pack(temp_),
          [&](int n1) HWY_ATTR {
            const int n = N2 * n1 + n2;
            const auto window = hn::Set(tag, window_[n]);
            Cplx x{hn::Mul(window, hn::LoadU(tag, from + place_[n])),
                   hn::Mul(window, hn::LoadU(tag, from + place_[n] + lanes_))};
            if constexpr (kPartial) x = {hn::IfThenElseZero(real_mask, x.re), hn::IfThenElseZero(imaginary_mask, x.im)};
            return x;
          },
          [&](int k1, Cplx x) HWY_ATTR { scratch.store(k1 * kRow + n2, rotate(x, rotation + 2 * k1)); });
    }
  }

  void inverse_rows_of_any_hop(float* signal, int batch) {
    const Tag<float> tag;
    const Pack<float> scratch = pack(scratch_);
    float* to = signal + batch * 2 * lanes_;
    for (int n2 = 0; n2 < N2; ++n2) {
      SmallFft<N1>::run(
          twiddles1_.data(), pack(temp_), [&](int k1) HWY_ATTR { return scratch.load(k1 * kRow + n2); },
          [&](int n1, Cplx x) HWY_ATTR {
            const int n = N2 * n1 + n2;
            if (synthesis_[n] == 0) return;
            const auto window = hn::Set(tag, synthesis_[n]);
            float* first = to + place_[n];
            hn::StoreU(hn::MulAdd(x.im, window, hn::LoadU(tag, first)), tag, first);
            hn::StoreU(hn::MulAdd(x.re, window, hn::LoadU(tag, first + lanes_)), tag, first + lanes_);
          });
    }
  }

  void overlap_add(float* signal, int batch, int n2) {
    const Tag<float> tag;
    const float* out = output_[n2 % 2].get();
    const int apart = hop_ / N2, parts = kSize / hop_;
    for (int i = 0; i < apart; ++i) {
      float* to = signal + stride_ * (i * N2 + n2) + batch * 2 * lanes_;
      for (int v = 0; v < 2 + overlap_; ++v) {
        auto sum = hn::Load(tag, to + v * lanes_);
        for (int part = 0; part < parts; ++part)
          sum = hn::Add(sum, hn::LoadU(tag, out + (i + apart * part) * output_row() + (overlap_ + v) * lanes_ - part));
        hn::Store(sum, tag, to + v * lanes_);
      }
    }
  }

  int hop_, frames_, lanes_;
  int overlap_;  // vectors by which a batch's frames reach beyond it
  int batches_;
  std::size_t stride_;
  std::vector<float> window_, synthesis_, rotation_;
  std::vector<float> twiddles1_ = SmallFft<N1>::twiddles(), twiddles2_ = SmallFft<N2>::twiddles();
  std::vector<std::size_t> place_;
  Floats scratch_;    // [N1][kRow] complex vectors
  Floats temp_;       // of a small transform
  Floats output_[2];  // [N1][output_row]: samples of the batch's frames before they are added up
};

}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
