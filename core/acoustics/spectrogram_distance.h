#pragma once

#include <optional>
#include <span>

namespace diffverb::acoustics {

/// Log-spectral distance of two responses, raw and smoothed, in dB.
///
///   STFT 1024/256, Hann, at 16 kHz, first frame centred on the onset, first 128 frames;  L = 10 log10 max(|S|^2,
///   floor) lsd          = mean over frames of  sqrt( mean over bins (L_target - L_other)^2 ) lsd_smoothed = the same
///   over bands, of |S|^2 averaged (power mean) over third octaves and three frames; at the bottom, where a
///                  third octave is narrower than a bin, single bins
///
/// floor is 80 dB below the target's largest |S|^2, or the target's mean noise power in that bin where that is higher.
/// Frames where the target is silent (all below the floor) or where its noise has begun are left out.
struct SpectrogramDistance {
  std::optional<double> lsd_db;
  std::optional<double> lsd_smoothed_db;
};

/// Reads    target, other [T] at 16 kHz, onset at index 0 of both, equal broadband energy; noise_from: the sample at
///          which the target's noise begins (its length where it has none)
SpectrogramDistance compare_spectrograms(std::span<const double> target, std::span<const double> other,
                                         std::size_t noise_from);

inline constexpr double kSpectrogramRateHz = 16000;

}  // namespace diffverb::acoustics
