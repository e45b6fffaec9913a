#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace diffverb {

/// Magnitudes of windowed frames against those of a target, on the CPU in float32, with the way back to the signal.
///
///   P = |X|^2,  M = sqrt(max(P, floor)),   squared = sum (M - T)^2,   logarithm = sum |ln M - ln T|
///
/// The sums are over all bins of all frames, T the target's magnitudes. Nothing of a frame outlives it: transform,
/// distance, and the two transforms back (of d squared / 2 and d logarithm) are done while its bins are in the cache.
/// Each SIMD lane is a frame (frame_transform-inl.h). An object holds scratch memory: one for each thread.
class StftDistanceKernel {
 public:
  struct Sums {
    double squared = 0, logarithm = 0;
  };

  virtual ~StftDistanceKernel() = default;
  /// Frames that are worked on at once: a stretch that is a multiple of it wastes nothing.
  virtual int batch_frames() const = 0;
  /// Numbers that the target's magnitudes take, in the kernel's own order.
  virtual std::size_t target_size(int frames) const = 0;
  /// Reads    signal [hop (frames - 1) + fft_size]
  /// Writes   target, of hwy::AllocateAligned
  virtual void make_target(const float* signal, int frames, float floor_power, float* target) = 0;
  /// Reads    signal as make_target does, target as it was made there
  /// Writes   both gradients, as long as the signal; null pointers where none are wanted
  virtual Sums measure(const float* signal, int frames, float floor_power, const float* target, float* squared_gradient,
                       float* logarithm_gradient) = 0;
};

/// Whether there is a kernel for this transform: 512, 1024 and 2048 points; any hop.
bool stft_distance_has_kernel(int fft_size);

/// Reads    window [fft_size]; most_frames that a stretch will have
std::unique_ptr<StftDistanceKernel> make_stft_distance_kernel(const std::vector<float>& window, int hop_size,
                                                              int most_frames);

}  // namespace diffverb
