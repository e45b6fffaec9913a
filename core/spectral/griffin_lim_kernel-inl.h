// Compiled once for each SIMD target (Highway's foreach_target): no ordinary include guard.
#if defined(DIFFVERB_GRIFFIN_LIM_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DIFFVERB_GRIFFIN_LIM_KERNEL_INL_H_
#undef DIFFVERB_GRIFFIN_LIM_KERNEL_INL_H_
#else
#define DIFFVERB_GRIFFIN_LIM_KERNEL_INL_H_
#endif

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/spectral/frame_transform-inl.h"
#include "core/spectral/griffin_lim_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
namespace griffin_lim {

using V = Vec<float>;

/// What a pass over all frames does between its two transforms.
enum class Pass {
  kStart,    // no forward transform: back from the state c
  kIterate,  // one iteration
  kLast,     // one iteration whose signal is the estimate itself; leaves c in the state
  kMeasure   // forward only: how far the magnitudes are from those asked for
};

/// 1 / |x|, at most 1e15
HWY_INLINE V inverse_modulus(Cplx x) {
  const Tag<float> tag;
  const V square = hn::Max(hn::MulAdd(x.re, x.re, hn::Mul(x.im, x.im)), hn::Set(tag, 1e-30f));
  if (!HWY_ARCH_X86) return hn::Div(hn::Set(tag, 1.0f), hn::Sqrt(square));
  // 12 bits or more and one Newton step: a square root and a division would cost more than all the rest of a bin.
  const V y = hn::ApproximateReciprocalSqrt(square), half = hn::Mul(hn::Set(tag, 0.5f), square);
  return hn::Mul(y, hn::NegMulAdd(hn::Mul(half, y), y, hn::Set(tag, 1.5f)));
}

HWY_INLINE Cplx scale(Cplx x, V by) { return {hn::Mul(x.re, by), hn::Mul(x.im, by)}; }

template <int N1, int N2>
class Retrieval {
 public:
  static constexpr int kSize = N1 * N2, kPositions = kSize / 2 + 1;

  explicit Retrieval(const GriffinLimProblem& problem)
      : p_(problem),
        transform_(problem.hop_size, problem.frames),
        lanes_(transform_.lanes()),
        now_(zeros(transform_.signal_size())),
        next_(zeros(transform_.signal_size())),
        before_(zeros(transform_.signal_size())),
        magnitude_(zeros(std::size_t{2} * kPositions * transform_.batches() * lanes_)),
        state_(zeros(std::size_t{4} * kPositions * transform_.batches() * lanes_)),
        columns_(zeros(std::size_t{4} * N2 * lanes_)) {
    make_edges();
  }

  void run(std::int64_t row) {
    const std::size_t values = static_cast<std::size_t>(kPositions) * p_.frames;
    const float* magnitude = p_.magnitude + row * values;
    const float most = *std::max_element(magnitude, magnitude + values);
    float* out = p_.signal + row * p_.samples;
    p_.convergence[row] = 0;
    p_.iterations_done[row] = 0;
    std::fill_n(out, p_.samples, 0.0f);
    if (!(most > 0)) return;
    int exponent = 0;  // a power of two: scaling rounds nothing
    std::frexp(most, &exponent);
    pack(magnitude, p_.start + 2 * row * values, std::ldexp(1.0f, -exponent));
    for (Floats* signal : {&now_, &next_, &before_}) std::fill_n(signal->get(), transform_.signal_size(), 0.0f);
    iterate(row);
    const float scale_back = std::ldexp(1.0f, exponent);
    for (int n = 0; n < p_.samples; ++n) out[n] = scale_back * now_[transform_.place(n + kSize / 2)];
  }

 private:
  struct Edge {
    std::size_t to, from;
    float factor;
  };

  /// What the interior's rule does not cover: fewer frames meet at both ends, and beyond them stands the padding.
  void make_edges() {
    const int half = kSize / 2, end = half + p_.samples, last = p_.hop_size * (p_.frames - 1) + kSize;
    for (int n = half; n < end; ++n) {
      const int block = n / p_.hop_size, parts = kSize / p_.hop_size;
      if (block >= parts - 1 && block < p_.frames) continue;
      double power = 0;
      for (int part = 0; part < parts; ++part) {
        const int frame = block - part, at = n % p_.hop_size + part * p_.hop_size;
        if (frame >= 0 && frame < p_.frames) power += transform_.hann(at) * transform_.hann(at);
      }
      const std::size_t place = transform_.place(n);
      ends_.push_back({place, place, static_cast<float>(transform_.window_power(n % p_.hop_size) / power)});
    }
    const auto pad = [&](int to, int from) {
      padding_.push_back({transform_.place(to), transform_.place(p_.reflect ? from : to), p_.reflect ? 1.0f : 0.0f});
    };
    for (int i = 1; i <= half; ++i) pad(half - i, half + i);
    for (int n = end; n < last; ++n) pad(n, 2 * (end - 1) - n);
  }

  /// visit(position, k1, k2) in the order in which bins are met; the bin is k1 + N1 k2.
  template <typename Visit>
  static void for_positions(const Visit& visit) {
    int position = 0;
    for (int k2 = 0; k2 <= N2 / 2; ++k2) visit(position++, 0, k2);
    for (int k2 = 0; k2 < N2 / 2; ++k2) visit(position++, N1 / 2, k2);
    for (int k1 = 1; k1 < N1 / 2; ++k1) {
      for (int k2 = 0; k2 < N2; ++k2) visit(position++, k1, k2);
    }
  }

  /// Magnitudes and the first state, magnitude times phase, in the order in which the passes meet them.
  void pack(const float* magnitude, const float* start, float by) {
    norm_ = 0;
    for_positions([&](int position, int k1, int k2) {
      const int k = k1 + N1 * k2, bin = std::min(k, kSize - k);
      const float conjugate = k == bin ? 1.0f : -1.0f, imaginary = bin == 0 || bin == kSize / 2 ? 0.0f : conjugate;
      const float* m = magnitude + static_cast<std::size_t>(bin) * p_.frames;
      const float* phase = start + 2 * static_cast<std::size_t>(bin) * p_.frames;
      double power = 0;
      for (int frame = 0; frame < p_.frames; frame += lanes_) {  // half a batch at a time
        const int batch = frame / (2 * lanes_), half = frame / lanes_ % 2, count = std::min(lanes_, p_.frames - frame);
        const std::size_t at = static_cast<std::size_t>(batch) * kPositions + position;
        float* to = magnitude_.get() + (2 * at + half) * lanes_;
        float* state = state_.get() + (4 * at + 2 * half) * lanes_;
        for (int l = 0; l < count; ++l) {
          const float scaled = by * m[frame + l];
          power += static_cast<double>(scaled) * scaled;
          to[l] = scaled;
          state[l] = scaled * phase[2 * (frame + l)];
          state[lanes_ + l] = imaginary * scaled * phase[2 * (frame + l) + 1];
        }
      }
      norm_ += power;
    });
    norm_ = std::sqrt(norm_);
  }

  void iterate(std::int64_t row) {
    double before = std::numeric_limits<double>::infinity();
    const int switch_at = p_.averaged_iterations;
    const auto averaged = [&](int done) { return done < switch_at; };  // whether iteration `done` + 1 is one
    const auto look = [&](int done) {
      return done == p_.iterations || (p_.check_every > 0 && done > 0 && done % p_.check_every == 0);
    };
    if (averaged(0) && p_.iterations > 0) {
      pass<Pass::kStart, true>();
    } else {
      pass<Pass::kStart, false>();
    }
    for (int done = 0, checked = 0;;) {
      if (look(done)) {
        const double now = measure();
        const bool stop = done == p_.iterations || griffin_lim_is_done(before, now, done - checked,
                                                                       averaged(done) ? 0 : p_.tolerance, p_.target);
        p_.convergence[row] = now;
        p_.iterations_done[row] = done;
        before = now, checked = done;
        if (stop) return;
        if (averaged(done)) pass<Pass::kStart, true>();
      }
      if (!averaged(done)) extrapolate();
      if (!averaged(done++)) {
        pass<Pass::kIterate, false>();
      } else if (look(done) || !averaged(done)) {
        pass<Pass::kLast, true>();
      } else {
        pass<Pass::kIterate, true>();
      }
    }
  }

  /// now <- now - momentum before, before <- now: the transform is linear, so this is the momentum of the spectra.
  void extrapolate() {
    if (p_.momentum == 0) return;
    const Tag<float> tag;
    const auto momentum = hn::Set(tag, p_.momentum);
    for (std::size_t i = 0; i < transform_.signal_size(); i += static_cast<std::size_t>(lanes_)) {
      const auto x = hn::Load(tag, now_.get() + i);
      hn::Store(hn::NegMulAdd(momentum, hn::Load(tag, before_.get() + i), x), tag, now_.get() + i);
      hn::Store(x, tag, before_.get() + i);
    }
  }

  /// || |S(x)| - M || / || M || of the signal in now_
  double measure() {
    error_ = 0;
    for (int batch = 0; batch < transform_.batches(); ++batch) {
      transform_.forward_rows(now_.get(), batch);
      columns<Pass::kMeasure, false>(batch);
    }
    return std::sqrt(error_) / norm_;
  }

  /// From the signal in now_ (or the state) to the next one, which then stands in now_.
  template <Pass kPass, bool kAveraged>
  void pass() {
    std::fill_n(next_.get(), transform_.signal_size(), 0.0f);
    for (int batch = 0; batch < transform_.batches(); ++batch) {
      if constexpr (kPass != Pass::kStart) transform_.forward_rows(now_.get(), batch);
      columns<kPass, kAveraged>(batch);
      transform_.inverse_rows(next_.get(), batch);
    }
    for (const Edge& e : ends_) next_[e.to] *= e.factor;
    for (const Edge& e : padding_) next_[e.to] = e.factor * next_[e.from];
    std::swap(now_, next_);
  }

  template <Pass kPass, bool kAveraged>
  void columns(int batch) {
    const std::size_t lanes = static_cast<std::size_t>(lanes_);
    const Pack<float> first{columns_.get()}, second{columns_.get() + 2 * N2 * lanes};
    std::size_t at = static_cast<std::size_t>(batch) * kPositions;
    V error = hn::Zero(Tag<float>());
    forward<kPass>(0, first);
    for (int k2 = 0; k2 <= N2 / 2; ++k2) project<kPass, kAveraged>(first, k2, first, (N2 - k2) % N2, at++, error);
    inverse<kPass>(0, first);
    forward<kPass>(N1 / 2, first);
    for (int k2 = 0; k2 < N2 / 2; ++k2) project<kPass, kAveraged>(first, k2, first, N2 - 1 - k2, at++, error);
    inverse<kPass>(N1 / 2, first);
    for (int k1 = 1; k1 < N1 / 2; ++k1) {
      forward<kPass>(k1, first);
      forward<kPass>(N1 - k1, second);
      for (int k2 = 0; k2 < N2; ++k2) project<kPass, kAveraged>(first, k2, second, N2 - 1 - k2, at++, error);
      inverse<kPass>(k1, first);
      inverse<kPass>(N1 - k1, second);
    }
    if constexpr (kPass == Pass::kMeasure) error_ += hn::GetLane(hn::SumOfLanes(Tag<float>(), error));
  }
  template <Pass kPass>
  void forward(int k1, Pack<float> column) {
    if constexpr (kPass != Pass::kStart) transform_.forward_column(k1, column);
  }
  template <Pass kPass>
  void inverse(int k1, Pack<float> column) {
    if constexpr (kPass != Pass::kMeasure) transform_.inverse_column(k1, column);
  }

  /// Bins k (element i of p) and N - k (element j of q) hold two frames' spectra: Z = A + j B.
  template <Pass kPass, bool kAveraged>
  HWY_INLINE void project(Pack<float> p, int i, Pack<float> q, int j, std::size_t at, V& error) {
    const Tag<float> tag;
    const V m_a = hn::Load(tag, magnitude_.get() + 2 * at * lanes_),
            m_b = hn::Load(tag, magnitude_.get() + (2 * at + 1) * lanes_);
    Cplx a, b;  // twice the spectra
    if constexpr (kPass != Pass::kStart) {
      const Cplx z = p.load(i), mirror = q.load(j);
      a = {hn::Add(z.re, mirror.re), hn::Sub(z.im, mirror.im)};
      b = {hn::Add(z.im, mirror.im), hn::Sub(mirror.re, z.re)};
    }
    if constexpr (kPass == Pass::kMeasure) {
      error = hn::Add(error, hn::Add(squared_error(a, m_a), squared_error(b, m_b)));
    } else {
      const Pack<float> state{state_.get() + 4 * at * lanes_};
      a = next_spectrum<kPass, kAveraged>(a, m_a, state, 0);
      b = next_spectrum<kPass, kAveraged>(b, m_b, state, 1);
      p.store(i, {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)});
      q.store(j, {hn::Add(a.re, b.im), hn::Sub(b.re, a.im)});
    }
  }

  static HWY_INLINE V squared_error(Cplx twice, V magnitude) {
    const V square = hn::MulAdd(twice.re, twice.re, hn::Mul(twice.im, twice.im));
    const V error = hn::Sub(hn::Mul(hn::Set(Tag<float>(), 0.5f), hn::Sqrt(square)), magnitude);
    return hn::Mul(error, error);
  }

  /// Plain: P. Averaged: c' = relaxation R + d,  y = 2 P c' - c',  d' = relaxation c' + (1 - 2 relaxation) P c'.
  template <Pass kPass, bool kAveraged>
  HWY_INLINE Cplx next_spectrum(Cplx twice, V magnitude, Pack<float> state, std::size_t slot) {
    if constexpr (!kAveraged) {
      return kPass == Pass::kStart ? state.load(slot) : scale(twice, hn::Mul(magnitude, inverse_modulus(twice)));
    } else {
      const Tag<float> tag;
      const V relaxation = hn::Set(tag, p_.relaxation), rest = hn::Set(tag, 1 - 2 * p_.relaxation);
      Cplx c = state.load(slot);
      if constexpr (kPass != Pass::kStart) {
        const V half = hn::Set(tag, 0.5f * p_.relaxation);
        c = {hn::MulAdd(half, twice.re, c.re), hn::MulAdd(half, twice.im, c.im)};
      }
      const Cplx fit = scale(c, hn::Mul(magnitude, inverse_modulus(c)));
      if constexpr (kPass == Pass::kLast) {
        state.store(slot, c);
        return fit;
      } else {
        state.store(slot, add(scale(c, relaxation), scale(fit, rest)));
        return subtract(add(fit, fit), c);
      }
    }
  }

  const GriffinLimProblem& p_;
  FrameTransform<N1, N2> transform_;
  int lanes_;
  double norm_ = 0, error_ = 0;
  std::vector<Edge> ends_, padding_;
  Floats now_, next_, before_;  // signals
  Floats magnitude_;            // [batch][position][2] vectors
  Floats state_;                // [batch][position][2] complex vectors: c at the start and after kLast, else d
  Floats columns_;              // two columns of bins
};

inline void rows(const GriffinLimProblem& problem, std::int64_t begin, std::int64_t end) {
  const auto run = [&](auto&& retrieval) {
    for (std::int64_t row = begin; row < end; ++row) retrieval.run(row);
  };
  switch (problem.fft_size) {
    case 512:
      return run(Retrieval<16, 32>(problem));
    case 1024:
      return run(Retrieval<32, 32>(problem));
    case 2048:
      return run(Retrieval<32, 64>(problem));
    default:
      break;
  }
}

}  // namespace griffin_lim
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();
#endif
