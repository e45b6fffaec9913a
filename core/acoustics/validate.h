#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/audio_file.h"

namespace diffverb::acoustics {

/// Refuses what no figure can be computed from.
///
/// Reads    audio as read_audio gives it; path and `expected` are for the message only
/// Returns  warnings, one line each (clipped samples: runs of three or more at full scale); mostly none
/// Throws   DataError: no samples, shorter than 50 ms, a sample that is not finite, a silent channel
std::vector<std::string> check_samples(const Audio& audio, const std::filesystem::path& path,
                                       const std::string& expected = "an impulse response");

/// What the octaves of a channel say of its decay.
struct DecayCheck {
  /// Why it is no impulse response, in words; nothing where it is one.
  std::optional<std::string> missing;
  /// How far the decay stands above its noise, dB: the median over the octaves 125 Hz to 8 kHz, so that a hum or a rumble alone
  /// makes no response useless. Nothing at a rate without one of these octaves.
  std::optional<double> range_db;
};

/// A channel decays when at least three (or half) of its octave bands 125 Hz to 8 kHz have a decay of 20 dB above their
/// noise and together a fifth of the energy, those curves are not bent the wrong way (time to -10 dB at most 0.52 of
/// the time to -25 dB, median over the bands; 0.4 for one exponential, less for a strong direct sound, nearly 1 for
/// stationary sound that just ends), and one of them takes 10 ms or more to fall by 25 dB.
DecayCheck check_decay(std::span<const double> channel, double rate_hz);

/// What a decay should have above its noise so that its times can be told; with less they come out short.
inline constexpr double kEnoughRange_db = 30;

/// check_samples and, for every channel, check_decay: what a fit asks of its target.
///
/// Returns  warnings, one line each: those of check_samples, and a channel with less than kEnoughRange_db
/// Throws   DataError as check_samples; no decay to be found, or more noise than response
std::vector<std::string> check_response(const Audio& audio, const std::filesystem::path& path);

}  // namespace diffverb::acoustics
