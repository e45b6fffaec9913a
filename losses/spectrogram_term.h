#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/spectral/stft.h"
#include "core/spectral/stft_distance.h"
#include "core/tensor.h"

namespace diffverb {

/// What the spectrogram distances have in common besides their frames.
struct SpectrogramSettings {
  std::optional<double> floor_power;  // of |STFT|^2; null: by floor_db
  double floor_db = -100;             // below the target's largest magnitude
  double convergence_weight = 1, log_weight = 1;
  std::string padding = "zero";
  std::string convergence_over = "each";  // response of the batch; or "all" of them, as auraloss has it

  void read(Fields& fields);
};

/// One resolution of the losses stft and mr_stft.
///
///   D = convergence_weight mean_{b,c} ||M_h - M_g||_F / ||M_g||_F + log_weight mean_{b,c,f,k} |ln M_h - ln M_g|
///   M = sqrt(max(|STFT|^2, floor^2)),   floor = 10^(floor_db / 20) max M_g, or sqrt(floor_power) if that is set
///
/// With convergence_over: all the norms are those of the whole batch, and one ratio is taken. h is the estimate, g the
/// target, whose spectrogram is made once. On the CPU in float32 one pass over the frames makes
/// value and gradient (StftDistance) where the transform has 512, 1024 or 2048 points.
///
/// Reads    target and ir [B, C, T]; win_length 0: as long as the transform
/// Returns  scalar without unit
/// Gradient finite everywhere; magnitudes below the floor contribute none
/// Throws   ContractError where the frames are none (core/spectral/stft.h)
class SpectrogramTerm {
 public:
  SpectrogramTerm(const at::Tensor& target, std::int64_t fft_size, std::int64_t hop_size, std::int64_t win_length,
                  const SpectrogramSettings& settings);
  at::Tensor operator()(const at::Tensor& ir) const;

 private:
  at::Tensor power(const at::Tensor& ir) const;

  StftDistance::Frames frames_;
  double convergence_weight_, log_weight_, floor_power_ = 0;
  std::vector<std::int64_t> norm_axes_;
  at::Tensor norm_;                       // [B, C], or a scalar
  at::Tensor magnitude_, log_magnitude_;  // [B, C, F, K]; undefined where `fused_` is there
  std::shared_ptr<StftDistance> fused_;
};

}  // namespace diffverb
