#pragma once

#include <hwy/aligned_allocator.h>

#include <memory>
#include <mutex>
#include <vector>

#include "core/spectral/stft.h"
#include "core/spectral/stft_distance_kernel.h"
#include "core/tensor.h"

namespace diffverb {

/// Distance of a signal's short-time magnitudes from a target's, value and gradient in one pass over the frames
/// (stft_distance_kernel.h): no spectrogram is stored but the target's magnitudes.
///
///   D = convergence_weight mean_r ||M_r - T_r||_F / ||T_r||_F + log_weight mean |ln M - ln T|
///   M = sqrt(max(|stft|^2, floor_power)),   T the same of the target
///
/// r runs over the rows, or is all of them together.
///
/// Works on the CPU in float32 with transforms of 512, 1024 and 2048 points: has_kernel(). The result is the same for
/// any number of threads. An object is used by one thread at a time.
///
/// Reads    signal [..., T] float32 of the target's shape, whose leading axes are the rows r
/// Returns  scalar
/// Gradient once; 0 where a magnitude is below the floor
class StftDistance {
 public:
  struct Frames {
    std::int64_t fft_size = 0, hop_size = 0, win_length = 0;
    Padding padding = Padding::kZero;
  };

  static bool has_kernel(const at::Tensor& signal, std::int64_t fft_size);

  /// Reads    target [..., T]; norm: ||T_r|| of each row [...], or of all together [1], which whoever found the floor
  ///          has at hand
  StftDistance(const at::Tensor& target, const Frames& frames, double floor_power, const at::Tensor& norm);
  at::Tensor operator()(const at::Tensor& signal, double convergence_weight, double log_weight) const;

 private:
  class Evaluation;
  struct Result;
  struct Stretch {
    std::int64_t row = 0, first = 0, frames = 0;
    std::size_t target = 0;  // where its magnitudes begin
  };

  std::size_t norm_of(std::int64_t row) const { return norm_.size() > 1 ? static_cast<std::size_t>(row) : 0; }
  Result evaluate(const at::Tensor& signal, double convergence_weight, double log_weight, bool with_gradient) const;
  template <typename Work>
  void for_stretches(const Work& work) const;
  std::vector<std::vector<float>> padded_rows(const at::Tensor& signal) const;

  Frames frames_;
  std::int64_t rows_ = 0, samples_ = 0, count_ = 0;  // count: frames of a row
  float floor_power_ = 0;
  std::vector<float> window_;
  hwy::AlignedFreeUniquePtr<float[]> target_;  // the magnitudes, stretch by stretch
  std::vector<double> norm_;                   // ||T_r||: one for each row, or one for all
  std::vector<Stretch> stretches_;
  std::int64_t most_frames_ = 0;  // of a stretch
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<StftDistanceKernel>> idle_;  // scratch memory that waits for a thread
};

}  // namespace diffverb
