#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace diffverb {

// How libraries name responses from two loudspeakers to two microphones: four channels in one file, or a stereo file for
// each loudspeaker. The first letter is the loudspeaker, the second the microphone: LR is from left to right.

inline constexpr const char* kLoudspeakerFirst = "ll_lr_rl_rr";  // what most libraries have
inline constexpr const char* kMicrophoneFirst = "ll_rl_lr_rr";

/// Four channels that a name says to be no true stereo: Ambisonics ("ambisonic", "bformat", "foa", "wxyz").
bool is_named_ambisonic(const std::filesystem::path& file);

/// The order that a name spells ("hall LL-RL-LR-RR.wav", "hall_LLRLLRRR.wav"), else nothing.
std::optional<std::string> order_in_name(const std::filesystem::path& file);

/// The right loudspeaker's file beside the left one's: "hall_L.wav" and "hall_R.wav", also -L, " L", .L, _left, _Left; only
/// where it is there. Nothing for any other name.
std::optional<std::filesystem::path> right_of(const std::filesystem::path& left);

/// The name of both files of a pair: "hall_L.wav" and "hall_R.wav" are of "hall.wav"; any other name stays.
std::filesystem::path name_of_pair(const std::filesystem::path& file);

}  // namespace diffverb
