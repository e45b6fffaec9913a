#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "losses/checked_target.h"
#include "losses/loss.h"

namespace diffverb {

/// What the losses mel and erb have in common: difference of specific loudness over bands and time.
///
///   L = mean_r ( mean_{b,c,k,m} |N_h - N_g| / mean_{b,c,k,m} N_g )
///   N = (E + floor)^exponent - floor^exponent,   floor = 10^(floor_db / 10) max E_g
///   E(m, k) = sum_f W(m, f) |STFT_r(f, k)|^2
///
/// h is the estimate, g the target, whose loudness is computed once; W is what a derived class says. Keys: fft_sizes,
/// hop_ratio, bands, from_hz, to_hz, exponent, floor_db, padding.
class BandLoudness : public Loss {
 public:
  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;

 protected:
  BandLoudness(const std::string& name, Fields& fields);
  /// Weights of the bands [M, F], F = fft_size / 2 + 1, float64 on the CPU; to_hz is at most half the rate.
  virtual at::Tensor filters(std::int64_t bands, std::int64_t fft_size, double rate_hz, double from_hz,
                             double to_hz) const = 0;

 private:
  struct Resolution {
    std::int64_t fft_size, hop_size;
    double floor;
    at::Tensor filters;   // [M, F]
    at::Tensor loudness;  // [B, C, M, K]
    at::Tensor mean;      // scalar
  };
  at::Tensor energy(const at::Tensor& ir, const Resolution& r) const;
  at::Tensor loudness(const at::Tensor& energy, const Resolution& r) const;

  std::vector<std::int64_t> fft_sizes_ = {512, 1024, 2048};
  double hop_ratio_ = 0.25, from_hz_ = 50, to_hz_ = 16000, exponent_ = 0.3, floor_db_ = -80;
  std::int64_t bands_ = 40;
  std::string name_, padding_ = "zero";
  CheckedTarget target_;
  std::vector<Resolution> resolutions_;
};

}  // namespace diffverb
