#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace diffverb::runtime {

/// Gives a file to the loader of its kind, or to all where it has none, and plays what one of them takes: the engine by uneven blocks, with samples
/// that are no numbers among the input; banks and decoders at points in the corners of their space.
/// Returns an empty string, or what should never be seen, whatever the bytes are: a result that is neither a model nor a
/// reason, a reason of several lines, more memory asked for than there is, an output that is not finite.
/// Throws: what a player throws; a loader throws nothing.
std::string feed_loaders(std::span<const std::uint8_t> file);

}  // namespace diffverb::runtime
