#include <cmath>

#include "core/spectral/stft.h"
#include "losses/checked_target.h"
#include "losses/energy_cells.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of the energy decay reliefs in dB.
///
///   L = mean_{b,c,f,k} | 10 lg((R_h + floor) / (R_g + floor)) |,   R(f, k) = sum_{m >= k} |STFT(f, m)|^2
///   floor = 10^(floor_db / 10) max_{f,k} R_g of the channel
///
/// h is the estimate, g the target: the energy that is still to come, in each bin of a Hann window's transform. A
/// response and its own half are 6.02 dB apart above the floor; below it nothing counts.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, dB; >= 0; 0 iff the reliefs agree
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, or where a channel of the target is silent;
///          ConfigError for a transform size that is odd, or a hop longer than it
/// Source   Jot, An analysis/synthesis approach to real-time artificial reverberation, ICASSP 1992
class Edr final : public Loss {
 public:
  explicit Edr(Fields& f) {
    f.optional("fft_size", fft_size_, between(16, 1 << 20), "samples");
    if (fft_size_ % 2 != 0) f.fail("fft_size", "the transform size must be even, got " + std::to_string(fft_size_));
    f.optional("hop_size", hop_size_, at_least(1), "samples");
    if (hop_size_ > fft_size_) f.fail("hop_size", "must be at most fft_size = " + std::to_string(fft_size_));
    f.optional("floor_db", floor_db_, between(-200, -10), "dB");
  }

  void prepare(const Response& target) override {
    const auto energy = relief(target_.set_audible(target));
    floor_ = energy.amax(at::IntArrayRef({2, 3}), true) * std::pow(10.0, floor_db_ / 10);
    log_relief_ = (energy + floor_).log10();
  }
  at::Tensor evaluate(const Response& response) const override {
    const auto energy = relief(target_.check(response));
    return ((energy + floor_).log10() - log_relief_).abs().mean() * 10;
  }

 private:
  at::Tensor relief(const at::Tensor& ir) const {  // [B, C, F, K]
    return energy_to_come(power_spectrogram(ir, fft_size_, hop_size_, Padding::kZero));
  }

  std::int64_t fft_size_ = 1024, hop_size_ = 256;
  double floor_db_ = -80;
  CheckedTarget target_{"edr"};
  at::Tensor floor_;       // [B, C, 1, 1]
  at::Tensor log_relief_;  // [B, C, F, K]
};

}  // namespace

DIFFVERB_PART(losses, edr, Edr, "Difference of the energy decay reliefs, dB", "Jot 1992")

}  // namespace diffverb
