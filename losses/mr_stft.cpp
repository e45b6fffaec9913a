#include <algorithm>
#include <cmath>
#include <vector>

#include "losses/checked_target.h"
#include "losses/loss.h"
#include "losses/spectrogram_term.h"

namespace diffverb {
namespace {

/// Multi-resolution spectrogram distance: spectral convergence and log magnitude.
///
///   L = mean_r ( convergence_weight mean_{b,c} ||M_h - M_g||_F / ||M_g||_F
///                + log_weight mean_{b,c,f,k} |ln M_h - ln M_g| )
///   M = sqrt(max(|STFT_r|^2, floor_r^2)),   floor_r = 10^(floor_db / 20) max M_g, or sqrt(floor_power) if that is set
///
/// h is the estimate, g the target; Hann windows as long as the transform, hop_ratio of it apart, unless win_lengths
/// and hop_sizes say otherwise. A floor in dB follows the target's level, so the distance does not change when both
/// responses are scaled. With convergence_over: all one ratio is taken for the whole batch. auraloss's own setting is
/// {fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600, 1200, 240], padding: reflect,
/// floor_power: 1e-8, convergence_over: all}. On the CPU in float32 one pass over the frames makes value and gradient.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar without unit (a ratio and nepers); >= 0; 0 iff the magnitudes agree above the floor
/// Gradient finite everywhere; magnitudes below the floor contribute none
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or with
///          padding: reflect where T is at most half the largest transform; ConfigError for a transform size that is
///          odd or below 16
/// Source   Arik et al. 2019; Yamamoto et al. 2020; auraloss 0.4 (Steinmetz and Reiss 2020)
class MrStft final : public Loss {
 public:
  explicit MrStft(Fields& f) {
    f.optional("fft_sizes", fft_sizes_, between(16, 1 << 20), "samples");
    if (fft_sizes_.empty()) f.fail("fft_sizes", "expected at least one transform size");
    for (const auto size : fft_sizes_) {
      if (size % 2 != 0) f.fail("fft_sizes", "transform sizes must be even, got " + std::to_string(size));
    }
    f.optional("hop_sizes", hop_sizes_, between(1, 1 << 20), "samples");
    f.optional("win_lengths", win_lengths_, between(2, 1 << 20), "samples");
    check_list(f, "hop_sizes", hop_sizes_);
    check_list(f, "win_lengths", win_lengths_);
    f.optional("hop_ratio", hop_ratio_, Range{.min = 0, .max = 1, .min_open = true});
    settings_.read(f);
  }

  void prepare(const Response& target) override {
    terms_.clear();
    const at::Tensor& ir = target_.set_audible(target);
    for (std::size_t i = 0; i < fft_sizes_.size(); ++i) {
      const auto by_ratio = std::llround(hop_ratio_ * static_cast<double>(fft_sizes_[i]));
      const std::int64_t hop_size = hop_sizes_.empty() ? std::max<std::int64_t>(1, by_ratio) : hop_sizes_[i];
      terms_.emplace_back(ir, fft_sizes_[i], hop_size, win_lengths_.empty() ? 0 : win_lengths_[i], settings_);
    }
  }

  at::Tensor evaluate(const Response& response) const override {
    const at::Tensor& ir = target_.check(response);
    at::Tensor sum;
    for (const SpectrogramTerm& term : terms_) sum = sum.defined() ? sum + term(ir) : term(ir);
    return sum / static_cast<double>(terms_.size());
  }

 private:
  void check_list(Fields& f, const std::string& key, const std::vector<std::int64_t>& list) const {
    if (list.empty()) return;
    if (list.size() != fft_sizes_.size()) f.fail(key, "expected one number for each of the fft_sizes");
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] > fft_sizes_[i]) f.fail(key, "must be at most the transform's size");
    }
  }

  std::vector<std::int64_t> fft_sizes_ = {512, 1024, 2048}, hop_sizes_, win_lengths_;  // empty: by hop_ratio; whole
  double hop_ratio_ = 0.25;
  SpectrogramSettings settings_;
  CheckedTarget target_{"mr_stft"};
  std::vector<SpectrogramTerm> terms_;
};

}  // namespace

DIFFVERB_PART(losses, mr_stft, MrStft, "Multi-resolution spectrogram distance: spectral convergence and log magnitude",
              "Yamamoto et al. 2020; Steinmetz and Reiss 2020 (auraloss)")

}  // namespace diffverb
