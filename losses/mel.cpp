#include "core/spectral/filter_bank.h"
#include "losses/band_loudness.h"

namespace diffverb {
namespace {

/// Difference of specific loudness over mel bands and time.
///
///   L = mean_r ( mean_{b,c,k,m} |N_h - N_g| / mean_{b,c,k,m} N_g )
///   N = (E + floor)^exponent - floor^exponent,   floor = 10^(floor_db / 10) max E_g
///   E(m, k) = sum_f W(m, f) |STFT_r(f, k)|^2,   W triangular filters, equally spaced and equally wide in mel
///
/// h is the estimate, g the target. Loudness grows as energy^0.3 or so (Stevens; Zwicker's 0.23): 10 dB more are twice
/// as loud, and what lies far below the loudest part of the target counts little. auraloss's mel distance is another
/// measure: it compares logarithms of the bands' magnitudes, so that what is 60 dB down counts as much as what is loud.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; linear amplitude
/// Returns  scalar, share of the target's mean specific loudness; >= 0; silence has 1
/// Gradient finite everywhere
/// Throws   ContractError on unequal shapes, types, devices or rates, where a channel of the target is silent, or
///          where from_hz is at or above half the sample rate; ConfigError for a transform size that is odd or below
///          16, or from_hz >= to_hz
/// Source   O'Shaughnessy 1987 (mel); Zwicker and Fastl, Psychoacoustics (the power law)
class Mel final : public BandLoudness {
 public:
  explicit Mel(Fields& f) : BandLoudness("mel", f) {}

 private:
  at::Tensor filters(std::int64_t bands, std::int64_t fft_size, double rate_hz, double from_hz,
                     double to_hz) const override {
    return triangular_filter_bank(FrequencyScale::kMel, bands, fft_size, rate_hz, from_hz, to_hz).weights;
  }
};

}  // namespace

DIFFVERB_PART(losses, mel, Mel, "Difference of specific loudness over mel bands and time",
              "O'Shaughnessy 1987; Zwicker and Fastl")

}  // namespace diffverb
