#pragma once

#include <torch/custom_class_detail.h>

#include <complex>
#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A band of bins of a real signal's spectrum, and how its envelope is cut into stretches of time.
struct EnvelopeBand {
  std::int64_t first_bin = 0;
  std::vector<std::complex<float>> response;  // band filter at first_bin, first_bin + 1, ...
  std::int64_t length = 0;                    // samples of the envelope (transform size) >= response.size()
  std::int64_t hop = 1;                       // envelope samples a stretch
};

/// What band_energy() computes; held by the graph until its gradient has been taken.
struct BandPlan : torch::CustomClassHolder {
  std::int64_t fft_size = 0;   // of the spectrum's real transform
  std::int64_t stretches = 0;  // besides the rest
  std::vector<EnvelopeBand> bands;
};

/// Energy of a signal in bands and stretches of time, by one short inverse transform a band.
///
///   z_b = ifft_L(Y[k0 .. k0 + n) W_b),   E_b(p) = 2 L / nfft * sum_{t in stretch p} |z_b(t)|^2;   the last stretch is
///   the rest
///
/// The bins of a band hold its analytic signal at a rate that follows its width, so all 33 bands of a response cost a
/// few transforms of its length and not one each.
///
/// Reads    spectrum [C, nfft / 2 + 1] complex64, rfft of the response
/// Returns  [bands, C, stretches + 1] float32, energy as sum of squares
/// Gradient to spectrum, analytic
/// Throws   ContractError on another type, shape or device, or a band beyond the spectrum
at::Tensor band_energy(const at::Tensor& spectrum, const c10::intrusive_ptr<BandPlan>& plan);

}  // namespace diffverb
