#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "runtime/weights.h"

namespace diffverb::runtime {

/// Delay networks in the JSON that pyFDN exchanges (pyfdn_file.h).
///
/// Reading keeps everything, in single precision. A filter after the feedback matrix stands outside a line's input
/// here, so a line that has one becomes two: one takes what comes back, with the filter, the other what comes in,
/// without; both have the line's delay and are heard alike. pyFDN's direct path passes by post_output, ours does not:
/// with output filters it becomes an early part of one sample. A loop that keeps its energy is taken as lossless.
///
/// Writing cannot keep an early part (but its first sample, which is a direct path), nor let a direct path pass through
/// output filters, nor motion: the network is written as it is at rest. Filter lines are absorbed by lines with a delay (pyfdn_filter_lines.h), or refused.

/// Whether this is the text of JSON, rather than a safetensors file.
bool is_json(std::span<const std::uint8_t> bytes);
/// The same of a file; one that is named .json counts as such, whether it is there or not.
bool is_json_file(const std::filesystem::path& path);
/// Whether such a file names pyFDN's format, right or wrong otherwise.
bool names_pyfdn(const std::filesystem::path& path);

/// Reads and checks the text of a build or a preset, as strictly as weights; Model::metadata holds format and version.
LoadResult load_pyfdn(std::span<const std::uint8_t> text);

/// The text of a build, checked as load_pyfdn would.
struct PyfdnText {
  std::string text;
  std::string left_out;  ///< empty, or one line: which tensors are not in it, and what that changes
  std::string error;     ///< empty, or why there is no text
};
PyfdnText make_pyfdn(const DelayNetworkWeights& weights);

}  // namespace diffverb::runtime
