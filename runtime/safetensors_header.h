#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace diffverb::runtime {

/// What a safetensors header says of one tensor, before anything is checked against the file.
struct HeaderEntry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Reads a safetensors header: an object of {dtype, shape, data_offsets} objects and one `__metadata__` object of
/// strings. Anything else is refused while it is being read, so neither depth nor repetition costs memory. Returns an
/// empty string, or the reason.
std::string parse_header(std::string_view json, std::vector<HeaderEntry>& entries,
                         std::map<std::string, std::string, std::less<>>& metadata);

/// The compact JSON text of such a header.
std::string format_header(const std::vector<HeaderEntry>& entries,
                          const std::map<std::string, std::string, std::less<>>& metadata);

}  // namespace diffverb::runtime
