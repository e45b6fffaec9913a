#pragma once

#include <torch/types.h>

#include <vector>

#include "losses/band_energy.h"

namespace diffverb {

/// band_energy() by LibTorch's operators, on any device: a few for all bands of one transform length. What they read
/// beside the spectrum is put on the device once, so a step can be recorded.
class BandEnergyOperators {
 public:
  BandEnergyOperators(const BandPlan& plan, torch::Device device);

  /// Reads    spectrum [C, nfft / 2 + 1] complex64 on the device
  /// Returns  [bands, C, stretches + 1] float32
  /// Gradient to spectrum
  torch::Tensor operator()(const torch::Tensor& spectrum) const;

 private:
  /// Bands that are cut alike.
  struct Group {
    std::int64_t length = 0, hop = 1;
    torch::Tensor bins;      // [bands * n]
    torch::Tensor response;  // [bands, n] complex64, 0 beyond a band's end
  };

  std::int64_t fft_size_, stretches_;
  std::vector<Group> groups_;
  torch::Tensor order_;  // [bands] of the plan, among the groups' one after the other
};

}  // namespace diffverb
