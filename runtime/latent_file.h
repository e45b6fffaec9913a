#pragma once

#include <functional>
#include <string>
#include <vector>

namespace diffverb::runtime {

/// What files of the kinds that are played from a latent point have in common.
inline constexpr int kMostLatents = 1024;
inline constexpr int kLatentTestSamples = 256;

/// The first kLatentTestSamples samples of a latent point's sound.
using LatentPlayer = std::function<std::vector<float>(const std::vector<double>& latent)>;

/// Returns an empty string, or which of the two is out of range.
std::string check_latent_space(double sample_rate_hz, double latent_bound);

/// The text of a file's self-test: one latent point, and what it sounds like.
std::string make_latent_test(int latents, const LatentPlayer& play);
/// Plays the self-test again. Returns an empty string, or what differs by more than its tolerance.
std::string run_latent_test(const std::string& text, const LatentPlayer& play);

}  // namespace diffverb::runtime
