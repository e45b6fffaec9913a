#pragma once

#include <vector>

#include "core/tensor.h"
#include "losses/band_energy.h"

namespace diffverb {

/// band_energy() by LibTorch's operators, on any device: a few for all bands of one transform length. What they read
/// beside the spectrum is put on the device once, so a step can be recorded.
class BandEnergyOperators {
 public:
  BandEnergyOperators(const BandPlan& plan, at::Device device);

  /// Reads    spectrum [C, nfft / 2 + 1] complex64 on the device
  /// Returns  [bands, C, stretches + 1] float32
  /// Gradient to spectrum
  at::Tensor operator()(const at::Tensor& spectrum) const;

 private:
  /// Bands that are cut alike.
  struct Group {
    std::int64_t length = 0, hop = 1;
    at::Tensor bins;      // [bands * n]
    at::Tensor response;  // [bands, n] complex64, 0 beyond a band's end
  };

  std::int64_t fft_size_, stretches_;
  std::vector<Group> groups_;
  at::Tensor order_;  // [bands] of the plan, among the groups' one after the other
};

}  // namespace diffverb
