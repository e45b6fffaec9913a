#pragma once

#include <cstddef>
#include <string>

namespace diffverb {

/// SHA-256 of some bytes as 64 lower-case hexadecimal digits (FIPS 180-4).
std::string sha256_hex(const void* bytes, std::size_t size);
std::string sha256_hex(const std::string& bytes);

}  // namespace diffverb
