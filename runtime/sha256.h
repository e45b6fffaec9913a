#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace diffverb::runtime {

/// SHA-256 of bytes that arrive in pieces.
/// Source: FIPS PUB 180-4, section 6.2. Written from the standard; no licence other than this repository's.
class Sha256 {
 public:
  void update(std::span<const std::uint8_t> bytes);
  /// The digest as 64 lower-case hexadecimal characters. Nothing may be added afterwards.
  std::string hex();

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::size_t pending_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace diffverb::runtime
