#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/real.h>
#include <ATen/ops/sinc.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "losses/band_coherence.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

namespace ac = acoustics;

/// How far apart the channels sound: interaural cross-correlation, early and late, and coherence of the diffuse tail.
///
///   L = w_i mean_{b,c<d,o,p} | IACC_h - IACC_g | + w_c mean_{b,c<d,k} | Re gamma_h(k) - r(k) |
///   IACC = max_{|lag| <= 1 ms} | sum_t x_c(t) x_d(t + lag) | / sqrt((E_c + floor) (E_d + floor))
///
/// h is the estimate, g the target; o the octaves 500, 1000 and 2000 Hz, p the times 0..80 ms and 80..1000 ms (IACC_E3
/// and IACC_L3 as core/acoustics/binaural.h measures them); gamma(k) the coherence in third octave k of what comes after
/// 80 ms (losses/band_coherence.h); r(k) by `coherence`, d = distance_m, w = 2 pi f / 343 m/s:
///
///   target       Re gamma_g(k)
///   microphones  sin(w d) / (w d), meant over the bins of k: two microphones in a diffuse field
///   ears         sinc(2.2 w d) / sqrt(1 + (0.5 w d)^4), sinc x = sin x / x: a head of that width
///
/// With one channel there is nothing to compare: L is 0 and so is its gradient.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit, 0..w_i + 2 w_c; blind to level. value_at_target() is 0, or the target's distance from the
///          diffuse field
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent or ends
///          before 80 ms, or where the rate leaves none of the octaves; ConfigError where both weights are 0
/// Source   ISO 3382-1 Annex B; Cook et al. 1955 (microphones); Lindevald and Benade 1986 (ears)
class Decorrelation final : public Loss {
 public:
  explicit Decorrelation(Fields& f) {
    f.optional("iacc_weight", iacc_weight_, at_least(0));
    f.optional("coherence_weight", coherence_weight_, at_least(0));
    if (iacc_weight_ + coherence_weight_ <= 0) f.fail("iacc_weight", "iacc_weight or coherence_weight must be above 0");
    f.choice("coherence", coherence_of_, {"target", "microphones", "ears"});
    f.optional("distance_m", distance_m_, above(0), "m");
    late_.read(f, /*with_from_ms=*/false);
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;
  double value_at_target() const override { return at_target_.defined() ? at_target_.item<double>() : 0; }

 private:
  static constexpr double kSplitMs = 80, kEndMs = 1000, kLagMs = 1, kFloor = 1e-8;
  static constexpr double kSpeed = 343;  // m/s

  void make_filters(std::int64_t length, const at::Tensor& like);
  at::Tensor octaves(const at::Tensor& ir) const;                          // [O, B, C, T]
  at::Tensor energies(const at::Tensor& octaves, std::size_t part) const;  // [O, B, C]
  at::Tensor cross_correlation(const at::Tensor& ir) const;                // [2, O, B, pairs]
  at::Tensor diffuse_field(const at::Tensor& like) const;                  // [K]
  at::Tensor part_of(const at::Tensor& octaves, std::size_t part) const;
  std::int64_t samples(double ms) const { return std::llround(ms * 1e-3 * target_.sample_rate_hz()); }
  at::Tensor distance(const at::Tensor& ir) const;

  double iacc_weight_ = 1, coherence_weight_ = 1, distance_m_ = 0.15;
  std::string coherence_of_ = "target";
  BandCoherence late_{"decorrelation", kSplitMs};
  CheckedTarget target_{"decorrelation"};
  std::int64_t fft_size_ = 0;
  at::Tensor filters_;             // [O, 1, 1, F] complex
  std::vector<at::Tensor> floor_;  // by part, [O, B, C]
  at::Tensor iacc_;                // [2, O, B, pairs]
  at::Tensor coherence_;           // [K, B, C, C] or [K, 1, 1, 1]
  at::Tensor at_target_;           // scalar, where it is not 0
};

void Decorrelation::make_filters(std::int64_t length, const at::Tensor& like) {
  constexpr double kRingSeconds = 0.1;  // of the lowest octave's filter, so that its end does not come round
  const double rate_hz = target_.sample_rate_hz();
  fft_size_ = static_cast<std::int64_t>(
      ac::fast_fft_length(static_cast<std::size_t>(length + std::llround(kRingSeconds * rate_hz))));
  std::vector<at::Tensor> filters;
  for (const ac::Band& band : ac::make_bands(ac::BandWidth::kOctave, rate_hz, 500, 2000)) {
    const auto sections = ac::band_filter(band, rate_hz);
    std::vector<double> real, imaginary;
    for (std::int64_t k = 0; k <= fft_size_ / 2; ++k) {
      const auto h =
          ac::response_at(sections, rate_hz * static_cast<double>(k) / static_cast<double>(fft_size_), rate_hz);
      real.push_back(h.real());
      imaginary.push_back(h.imag());
    }
    filters.push_back(at::complex(at::tensor(real, at::kDouble), at::tensor(imaginary, at::kDouble)));
  }
  if (filters.empty()) throw ContractError("decorrelation: the sample rate leaves no octave of 500 to 2000 Hz");
  filters_ = at::stack(filters).reshape({-1, 1, 1, fft_size_ / 2 + 1}).to(like.device());
  filters_ = filters_.to(c10::toComplexType(like.scalar_type()));
}

at::Tensor Decorrelation::octaves(const at::Tensor& ir) const {
  return at::fft_irfft(at::fft_rfft(ir, fft_size_).unsqueeze(0) * filters_, fft_size_).slice(3, 0, ir.size(2));
}

at::Tensor Decorrelation::part_of(const at::Tensor& octaves, std::size_t part) const {
  return part == 0 ? octaves.slice(3, 0, samples(kSplitMs)) : octaves.slice(3, samples(kSplitMs), samples(kEndMs));
}

at::Tensor Decorrelation::energies(const at::Tensor& octaves, std::size_t part) const {
  return part_of(octaves, part).square().sum(3);
}

at::Tensor Decorrelation::cross_correlation(const at::Tensor& ir) const {
  const auto bands = octaves(ir);
  const std::int64_t channels = ir.size(1), lag = samples(kLagMs);
  std::vector<at::Tensor> parts;
  for (std::size_t p = 0; p < 2; ++p) {
    const auto heard = part_of(bands, p);
    const auto size = static_cast<std::int64_t>(ac::fast_fft_length(static_cast<std::size_t>(heard.size(3) + lag)));
    const auto spectra = at::fft_rfft(heard, size);
    const auto scale = (heard.square().sum(3) + floor_[p]).rsqrt();
    std::vector<at::Tensor> pairs;
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t d = c + 1; d < channels; ++d) {
        const auto sums = at::fft_irfft(spectra.select(2, c).conj() * spectra.select(2, d), size);
        const auto near = at::cat({sums.slice(2, 0, lag + 1), sums.slice(2, size - lag)}, 2);
        pairs.push_back(near.abs().amax(2) * scale.select(2, c) * scale.select(2, d));
      }
    }
    parts.push_back(at::stack(pairs, -1));
  }
  return at::stack(parts);
}

at::Tensor Decorrelation::diffuse_field(const at::Tensor& like) const {
  const double bin_hz = target_.sample_rate_hz() / static_cast<double>(late_.fft_size());
  const auto x =
      at::arange(late_.fft_size() / 2 + 1, at::kDouble) * (2 * std::numbers::pi * bin_hz * distance_m_ / kSpeed);
  const auto sinc = [](const at::Tensor& t) { return at::sinc(t / std::numbers::pi); };
  const auto field = coherence_of_ == "ears" ? sinc(2.2 * x) / (1 + (0.5 * x).pow(4)).sqrt() : sinc(x);
  std::vector<at::Tensor> bands;
  for (const auto& band : late_.bands().split(field)) bands.push_back(band.mean());
  return at::stack(bands).to(like.options());
}

void Decorrelation::prepare(const Response& target) {
  const at::Tensor& ir = target_.set_audible(target);
  at_target_ = at::Tensor();
  if (ir.size(1) == 1) return;
  if (ir.size(2) <= samples(kSplitMs)) throw ContractError("decorrelation: the target ends before 80 ms");
  make_filters(ir.size(2), ir);
  const auto bands = octaves(ir);
  floor_.clear();
  // What is silent early or late is measured against the whole.
  const auto whole = bands.square().sum(3);
  for (std::size_t p = 0; p < 2; ++p) floor_.push_back((energies(bands, p) + whole * 1e-6) * kFloor);
  iacc_ = cross_correlation(ir);
  late_.set_target(ir, target_.sample_rate_hz());
  if (coherence_of_ == "target") {
    coherence_ = at::real(late_(ir));
  } else {
    coherence_ = diffuse_field(ir).reshape({-1, 1, 1, 1});
    at_target_ = distance(ir);
  }
}

at::Tensor Decorrelation::distance(const at::Tensor& ir) const {
  return iacc_weight_ * (cross_correlation(ir) - iacc_).abs().mean() +
         coherence_weight_ * mean_over_pairs((at::real(late_(ir)) - coherence_).abs());
}

at::Tensor Decorrelation::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  return ir.size(1) == 1 ? ir.sum() * 0 : distance(ir);
}

}  // namespace

DIFFVERB_PART(losses, decorrelation, Decorrelation,
              "Difference of the interaural cross-correlation, and of the late coherence or from a diffuse field's",
              "ISO 3382-1 Annex B; Cook et al. 1955; Lindevald and Benade 1986")

}  // namespace diffverb
