#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

namespace diffverb::runtime {

/// Changes some bytes at data, of which there are `size`, to at most `most`; returns how many there are then.
using ByteMutator = std::function<std::size_t(std::uint8_t* data, std::size_t size, std::size_t most)>;

/// Changes a weights file where it matters: a tensor's values, its shape (with as many values), name or type, an entry of
/// the metadata, or the text of the header; then puts offsets and hash right, so that the checks behind them are reached.
/// A pyFDN build gets another number. What is neither, and one of eight, is left to `bytes`.
/// Same file and seed, same result. Returns a file of at most `most` bytes, or the old one.
std::vector<std::uint8_t> mutate_file(std::span<const std::uint8_t> file, std::size_t most, std::uint32_t seed,
                                      const ByteMutator& bytes);

/// One file with tensors and metadata of another.
std::vector<std::uint8_t> cross_files(std::span<const std::uint8_t> file, std::span<const std::uint8_t> other,
                                      std::size_t most, std::uint32_t seed);

}  // namespace diffverb::runtime
