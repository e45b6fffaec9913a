#include <optional>

#include "losses/checked_target.h"
#include "losses/loss.h"
#include "losses/spectrogram_term.h"

namespace diffverb {
namespace {

/// Spectrogram distance at one resolution: spectral convergence and log magnitude.
///
///   L = convergence_weight mean_{b,c} ||M_h - M_g||_F / ||M_g||_F + log_weight mean_{b,c,f,k} |ln M_h - ln M_g|
///   M = sqrt(max(|STFT|^2, floor^2)),   floor = 10^(floor_db / 20) max M_g, or sqrt(floor_power) if that is set
///
/// h is the estimate, g the target, whose spectrogram is made once; with convergence_over: all one ratio is taken for
/// the whole batch. One resolution of mr_stft, with the same kernel; auraloss's STFTLoss is {padding: reflect,
/// floor_power: 1e-8, convergence_over: all}.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit (a ratio and nepers); >= 0; 0 iff the magnitudes agree above the floor
/// Gradient finite everywhere; magnitudes below the floor contribute none
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or with
///          padding: reflect where T is at most half the transform; ConfigError for a transform size that is odd or
///          below 16, or a hop or window longer than it
/// Source   Arik et al. 2019; auraloss 0.4 (Steinmetz and Reiss 2020)
class Stft final : public Loss {
 public:
  explicit Stft(Fields& f) {
    f.optional("fft_size", fft_size_, between(16, 1 << 20), "samples");
    if (fft_size_ % 2 != 0) f.fail("fft_size", "the transform size must be even, got " + std::to_string(fft_size_));
    f.optional("hop_size", hop_size_, at_least(1), "samples");
    f.optional("win_length", win_length_, at_least(2), "samples");
    if (hop_size_ > fft_size_) f.fail("hop_size", "must be at most fft_size = " + std::to_string(fft_size_));
    if (win_length_ > fft_size_) f.fail("win_length", "must be at most fft_size = " + std::to_string(fft_size_));
    settings_.read(f);
  }

  void prepare(const Response& target) override {
    term_.emplace(target_.set_audible(target), fft_size_, hop_size_, win_length_, settings_);
  }
  at::Tensor evaluate(const Response& response) const override {
    const at::Tensor& ir = target_.check(response);
    return (*term_)(ir);
  }

 private:
  std::int64_t fft_size_ = 1024, hop_size_ = 256, win_length_ = 1024;
  SpectrogramSettings settings_;
  CheckedTarget target_{"stft"};
  std::optional<SpectrogramTerm> term_;
};

}  // namespace

DIFFVERB_PART(losses, stft, Stft, "Spectrogram distance at one resolution: spectral convergence and log magnitude",
              "Arik et al. 2019; Steinmetz and Reiss 2020 (auraloss)")

}  // namespace diffverb
