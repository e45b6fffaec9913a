#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diffverb::runtime {

/// One tensor of a file: its type ("F32", "F64", "I32", ...), its shape and its raw little-endian values, row-major.
struct Tensor {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::span<const std::uint8_t> bytes;  ///< a view: whoever made the tensor keeps the values alive

  /// The number of values; the container has checked that this product does not overflow.
  std::uint64_t size() const;
};

/// A safetensors file taken apart: name -> tensor, and the strings of `__metadata__`. The tensors view the bytes
/// parsed.
struct Container {
  std::map<std::string, Tensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
  std::string error;  ///< empty, or why the bytes were refused; then nothing else is filled

  bool ok() const { return error.empty(); }
};

/// Takes a safetensors file apart, strictly: header length, JSON of exactly the format's shape (no key twice, nothing
/// nested further), known types, sizes that neither overflow nor disagree with the offsets, no overlap, no hole, no
/// byte after the last tensor, and, with `require_hash`, metadata "sha256" = the hash of the whole file with these 64
/// characters taken as '0'. Any kind of weights stands on it.
/// Throws: std::bad_alloc only.
/// Source: https://github.com/huggingface/safetensors#format
Container parse_container(std::span<const std::uint8_t> file, bool require_hash);

/// The bytes of a safetensors file with these tensors and this metadata, which gains the "sha256" of the whole file.
/// Every tensor's bytes must be as many as shape and type say; `error` tells which is not.
struct SerializedContainer {
  std::vector<std::uint8_t> bytes;
  std::string error;
};
SerializedContainer serialize_container(const std::map<std::string, Tensor, std::less<>>& tensors,
                                        std::map<std::string, std::string, std::less<>> metadata);

/// The bytes of a file, at most `max_bytes`; `error` says what hindered.
struct FileBytes {
  std::vector<std::uint8_t> bytes;
  std::string error;
};
FileBytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// Writes a file so that at any moment either the old content or the whole new one stands under `path`: temporary name
/// in the same folder, fsync, rename. Returns an empty string, or the reason (a full disk among them), and then leaves
/// nothing behind.
[[nodiscard]] std::string write_file_atomically(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace diffverb::runtime
