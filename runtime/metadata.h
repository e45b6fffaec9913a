#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/safetensors.h"

namespace diffverb::runtime {

/// What every kind of weights file has in common: format, version and kind in the metadata, tensors of stated shapes.
inline constexpr const char* kFormat = "diffverb-runtime";
inline constexpr const char* kVersion = "1.0";
inline constexpr const char* kMotionVersion = "1.1";  // of what moves and of responses without lines
inline constexpr const char* kNewestVersion = "1.2";  // of terms and nonlinear loops; all else is written as ever
inline constexpr const char* kDelayNetwork = "delay_network";  // a kind

/// The beginning of a text for a message, on one line.
std::string in_quotes(std::string_view text);
std::string shape_text(const std::vector<std::uint64_t>& shape);
/// As JSON writes it, in any locale.
std::string number_text(double value);

/// A metadata entry, or null.
const std::string* find_metadata(const Container& file, const char* key);
/// Returns an empty string, or why there is no number under this key.
std::string read_metadata_number(const Container& file, const char* key, double& value);
/// Returns an empty string, or that a provenance is not the text of a JSON object.
std::string check_provenance(const std::string& provenance);
/// Format and version; `kind` is given back. Returns an empty string, or the reason.
std::string check_header(const Container& file, std::string& kind);
/// The kind that a runtime file says it is ("delay_network", "response_bank", ...), read from its header alone; empty
/// where it is another file, or none. JSON that names pyFDN's format is a delay network.
std::string kind_of_file(const std::filesystem::path& path);
/// The same for a safetensors file's bytes. Throws: std::bad_alloc only.
std::string kind_of_bytes(std::span<const std::uint8_t> file);

/// Whether a tensor has this type and shape; an extent of -1 is free and is given back. Returns the tensor in `found`.
std::string find_tensor(const Container& file, const char* name, const char* dtype, const std::vector<int*>& extents,
                        const Tensor*& found);

/// A tensor's values if type and shape are what they must be.
template <typename T>
std::string take(const Container& file, const char* name, const char* dtype, const std::vector<int*>& extents,
                 std::vector<T>& values) {
  const Tensor* tensor = nullptr;
  if (std::string error = find_tensor(file, name, dtype, extents, tensor); !error.empty()) return error;
  values.resize(tensor->bytes.size() / sizeof(T));
  if (!tensor->bytes.empty()) std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return {};
}

/// Values in memory as a tensor to be written.
template <typename T>
Tensor view(const std::vector<T>& values, const char* dtype, const std::vector<int>& extents) {
  Tensor tensor{dtype, {}, {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)}};
  for (const int extent : extents) tensor.shape.push_back(static_cast<std::uint64_t>(extent));
  return tensor;
}

}  // namespace diffverb::runtime
