#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace diffverb::report {

/// Red, green, blue.
using Colour = std::array<std::uint8_t, 3>;

/// A picture of palette entries as a PNG file.
///
/// The pixels stand in stored deflate blocks, so no compression library is needed; a quantised spectrogram would gain
/// little from one.
///
/// Reads    pixels [height * width], rows from the top, each an index into `palette` (at most 256 entries)
/// Returns  the bytes of the file
/// Throws   ContractError where sizes do not fit or an index is outside the palette
/// Source   PNG specification, third edition (W3C); RFC 1950, RFC 1951
std::vector<std::uint8_t> encode_png(const std::vector<std::uint8_t>& pixels, int width, int height,
                                     const std::vector<Colour>& palette);

/// 256 colours for signed values: blue below, a middle that belongs to neither, red above; the ends of "RdBu" by
/// Brewer, told apart by the colour-blind.
std::vector<Colour> blue_red();

/// 256 colours from dark to light, of even lightness steps and legible to the colour-blind (anchors of
/// "viridis" by van der Walt and Smith, CC0, joined linearly).
std::vector<Colour> viridis();

}  // namespace diffverb::report
