#include "core/spectral/stft_distance_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/spectral/stft_distance_kernel.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include "core/spectral/stft_distance_kernel-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace diffverb {
namespace HWY_NAMESPACE {
StftDistanceKernel* MakeStftDistanceKernel(const std::vector<float>& window, int hop_size, int most_frames) {
  return stft_distance::make(window, hop_size, most_frames);
}
}  // namespace HWY_NAMESPACE
}  // namespace diffverb
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace diffverb {

HWY_EXPORT(MakeStftDistanceKernel);

bool stft_distance_has_kernel(int fft_size) { return fft_size == 512 || fft_size == 1024 || fft_size == 2048; }

std::unique_ptr<StftDistanceKernel> make_stft_distance_kernel(const std::vector<float>& window, int hop_size,
                                                              int most_frames) {
  return std::unique_ptr<StftDistanceKernel>(
      HWY_DYNAMIC_DISPATCH(MakeStftDistanceKernel)(window, hop_size, most_frames));
}

}  // namespace diffverb
#endif
