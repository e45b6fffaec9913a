#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/view_as_real.h>

#include <cmath>
#include <optional>

#include "core/acoustics/fft.h"
#include "core/spectral/filter_bank.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Difference of the level by third octaves, in dB: of its shape, or of the levels themselves.
///
///   L = mean_{b,c,k} d( D_k - mean_k D_k ),   D_k = 10 lg((E_h,k + floor) / (E_g,k + floor))
///   E_k = sum_{f in band k} |H(f)|^2;   with shape_only: false the mean over k stays in
///   d(x) = |x|  with distance: absolute;   d(x) = x^2  with distance: squared
///
/// h is the estimate, g the target, H the Fourier transform of the whole response; floor = 10^(floor_db / 10) of the
/// channel's strongest band. A response that is louder or softer than the target by one gain has 0 with shape_only.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, dB (squared: dB^2); >= 0
/// Gradient finite everywhere; zero at silence
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or where
///          no third octave of the range holds a bin (T too short); ConfigError where from_hz >= to_hz
/// Source   bands as in IEC 61260:1995
class BandLevel final : public Loss {
 public:
  explicit BandLevel(Fields& f) {
    f.choice("distance", distance_, {"absolute", "squared"});
    f.optional("shape_only", shape_only_);
    f.optional("from_hz", from_hz_, above(0), "Hz");
    f.optional("to_hz", to_hz_, above(0), "Hz");
    if (from_hz_ >= to_hz_) f.fail("from_hz", "must be below to_hz = " + std::to_string(to_hz_));
    f.optional("floor_db", floor_db_, between(-200, -10), "dB");
  }

  void prepare(const Response& target) override {
    const at::Tensor& ir = target_.set_audible(target);
    fft_size_ = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(ir.size(2))));
    bands_.emplace(fft_size_, target_.sample_rate_hz(), from_hz_, to_hz_);
    const auto energies = energy(ir);
    floor_ = energies.amax(-1, true) * std::pow(10.0, floor_db_ / 10);
    if (!(floor_ > 0).all().item<bool>())
      throw ContractError("band_level: a channel of the target has no energy between from_hz and to_hz");
    log_energy_ = (energies + floor_).log10();
  }
  at::Tensor evaluate(const Response& response) const override {
    auto difference_db = ((energy(target_.check(response)) + floor_).log10() - log_energy_) * 10;
    if (shape_only_) difference_db = difference_db - difference_db.mean(-1, true);
    return (distance_ == "squared" ? difference_db.square() : difference_db.abs()).mean();
  }

 private:
  at::Tensor energy(const at::Tensor& ir) const {  // [B, C, K]
    return bands_->sum(at::view_as_real(at::fft_rfft(ir, fft_size_)).square().sum(-1));
  }

  std::string distance_ = "absolute";
  bool shape_only_ = true;
  double from_hz_ = 63, to_hz_ = 16000, floor_db_ = -80;
  CheckedTarget target_{"band_level"};
  std::int64_t fft_size_ = 0;
  std::optional<ThirdOctaveBins> bands_;
  at::Tensor floor_;       // [B, C, 1]
  at::Tensor log_energy_;  // [B, C, K]
};

}  // namespace

DIFFVERB_PART(losses, band_level, BandLevel,
              "Difference of the level by third octaves, dB: its shape, or the levels themselves", "IEC 61260:1995")

}  // namespace diffverb
