#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "core/spectral/stft.h"
#include "core/spectral/stft_distance.h"
#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {
namespace {

/// Multi-resolution spectrogram distance: spectral convergence and log magnitude.
///
///   L = mean_r ( convergence_weight mean_{b,c} ||M_h - M_g||_F / ||M_g||_F
///                + log_weight mean_{b,c,f,k} |ln M_h - ln M_g| )
///   M = sqrt(max(|STFT_r|^2, floor_r^2)),   floor_r = 10^(floor_db / 20) max M_g, or sqrt(floor_power) if that is set
///
/// h is the estimate, g the target; Hann windows as long as the transform, hop_ratio of it apart, unless win_lengths and
/// hop_sizes say otherwise. A floor in dB follows the target's level, so the distance does not change when both responses
/// are scaled. auraloss's own setting is {fft_sizes: [1024, 2048, 512], hop_sizes: [120, 240, 50], win_lengths: [600,
/// 1200, 240], padding: reflect, floor_power: 1e-8}. On the CPU in float32 one pass over the frames makes value and
/// gradient.
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
    f.optional("floor_db", floor_db_, between(-200, -10), "dB");
    f.optional("floor_power", floor_power_, above(0));
    f.choice("padding", padding_, {"zero", "reflect"});
    f.optional("convergence_weight", convergence_weight_, at_least(0));
    f.optional("log_weight", log_weight_, at_least(0));
  }

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 private:
  struct Resolution {
    std::int64_t fft_size, hop_size;
    std::int64_t win_length;
    double floor_power;
    at::Tensor norm;                      // [B, C]
    at::Tensor magnitude, log_magnitude;  // [B, C, F, K]; undefined where `fused` is there
    std::shared_ptr<StftDistance> fused;
  };

  void check_list(Fields& f, const std::string& key, const std::vector<std::int64_t>& list) const;
  at::Tensor distance(const Resolution& r, const at::Tensor& ir) const;

  std::vector<std::int64_t> fft_sizes_ = {512, 1024, 2048}, hop_sizes_, win_lengths_;  // empty: by hop_ratio; whole
  std::optional<double> floor_power_;                                                  // null: by floor_db
  double hop_ratio_ = 0.25, floor_db_ = -100, convergence_weight_ = 1, log_weight_ = 1;
  std::string padding_ = "zero";
  CheckedTarget target_{"mr_stft"};
  std::vector<Resolution> resolutions_;
};

void MrStft::check_list(Fields& f, const std::string& key, const std::vector<std::int64_t>& list) const {
  if (list.empty()) return;
  if (list.size() != fft_sizes_.size()) f.fail(key, "expected one number for each of the fft_sizes");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] > fft_sizes_[i]) f.fail(key, "must be at most the transform's size");
  }
}

void MrStft::prepare(const Response& target) {
  resolutions_.clear();
  const at::Tensor& ir = target_.set_audible(target);
  for (std::size_t i = 0; i < fft_sizes_.size(); ++i) {
    Resolution r;
    r.fft_size = fft_sizes_[i];
    r.hop_size = hop_sizes_.empty()
                     ? std::max<std::int64_t>(1, std::llround(hop_ratio_ * static_cast<double>(r.fft_size)))
                     : hop_sizes_[i];
    r.win_length = win_lengths_.empty() ? r.fft_size : win_lengths_[i];
    const auto padding = padding_of(padding_);
    const auto power = power_spectrogram(ir, r.fft_size, r.hop_size, padding, r.win_length);
    r.floor_power = floor_power_.value_or(power.max().item<double>() * std::pow(10.0, floor_db_ / 10));
    const auto magnitude = power.clamp_min(r.floor_power).sqrt();
    r.norm = at::linalg_vector_norm(magnitude, 2, at::IntArrayRef{2, 3});
    if (StftDistance::has_kernel(ir, r.fft_size)) {
      const StftDistance::Frames frames{r.fft_size, r.hop_size, r.win_length, padding};
      r.fused = std::make_shared<StftDistance>(ir, frames, r.floor_power, r.norm);
    } else {
      r.magnitude = magnitude;
      r.log_magnitude = magnitude.log();
    }
    resolutions_.push_back(std::move(r));
  }
}

at::Tensor MrStft::distance(const Resolution& r, const at::Tensor& ir) const {
  if (r.fused) return (*r.fused)(ir, convergence_weight_, log_weight_);
  const auto power =
      power_spectrogram(ir, r.fft_size, r.hop_size, padding_of(padding_), r.win_length).clamp_min(r.floor_power);
  at::Tensor term;
  if (convergence_weight_ > 0) {
    const auto difference = at::linalg_vector_norm(power.sqrt() - r.magnitude, 2, at::IntArrayRef{2, 3});
    term = (difference / r.norm).mean() * convergence_weight_;
  }
  if (log_weight_ > 0) {
    const auto distance = (power.log() * 0.5 - r.log_magnitude).abs().mean() * log_weight_;
    term = term.defined() ? term + distance : distance;
  }
  return term.defined() ? term : power.sum() * 0;
}

at::Tensor MrStft::evaluate(const Response& response) const {
  const at::Tensor& ir = target_.check(response);
  at::Tensor sum;
  for (const Resolution& r : resolutions_) {
    const auto term = distance(r, ir);
    sum = sum.defined() ? sum + term : term;
  }
  return sum / static_cast<double>(resolutions_.size());
}

}  // namespace

DIFFVERB_PART(losses, mr_stft, MrStft, "Multi-resolution spectrogram distance: spectral convergence and log magnitude",
              "Yamamoto et al. 2020; Steinmetz and Reiss 2020 (auraloss)")

}  // namespace diffverb
