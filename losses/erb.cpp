#include "core/spectral/filter_bank.h"
#include "losses/band_loudness.h"

namespace diffverb {
namespace {

/// Difference of specific loudness over the ear's own filters and time.
///
///   L = mean_r ( mean_{b,c,k,m} |N_h - N_g| / mean_{b,c,k,m} N_g )
///   N = (E + floor)^exponent - floor^exponent,   floor = 10^(floor_db / 10) max E_g
///   E(m, k) = sum_f W(m, f) |STFT_r(f, k)|^2
///   W(m, f) = (1 + ((f - c_m) / (1.019 ERB(c_m)))^2)^-4,   ERB(c) = 24.7 (1 + 4.37 c / 1000) Hz
///
/// h is the estimate, g the target; W is the power response of a gammatone of order 4, centres c_m equally spaced by
/// number of ERBs from from_hz to to_hz. E is an excitation pattern, N the specific loudness of Moore's model without
/// its outer and middle ear and without calibration: its threshold in quiet is the floor. Unlike mel's triangles the
/// filters have skirts and keep the ear's width whatever the number of bands.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, share of the target's mean specific loudness; >= 0; silence has 1
/// Gradient finite everywhere
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or
///          where from_hz is at or above half the sample rate; ConfigError for a transform size that is odd or below
///          16, or from_hz >= to_hz
/// Source   Glasberg and Moore 1990 (ERB); Patterson et al. 1992 (gammatone); Moore, Glasberg and Baer 1997 (the power
///          law and its floor)
class Erb final : public BandLoudness {
 public:
  explicit Erb(Fields& f) : BandLoudness("erb", f) {}

 private:
  at::Tensor filters(std::int64_t bands, std::int64_t fft_size, double rate_hz, double from_hz,
                     double to_hz) const override {
    return gammatone_filter_bank(bands, fft_size, rate_hz, from_hz, to_hz).weights;
  }
};

}  // namespace

DIFFVERB_PART(losses, erb, Erb, "Difference of specific loudness over gammatone filters on the ERB scale and time",
              "Glasberg and Moore 1990; Moore et al. 1997")

}  // namespace diffverb
