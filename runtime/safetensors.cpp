#include "runtime/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "runtime/safetensors_header.h"
#include "runtime/sha256.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;
constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kHashChars = 64;

std::uint64_t item_bytes(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

/// shape -> bytes, or nothing where a product overflows or the type is unknown.
std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, const std::vector<std::uint64_t>& shape) {
  std::uint64_t bytes = item_bytes(dtype);
  if (bytes == 0) return std::nullopt;
  for (const std::uint64_t extent : shape) {
    if (extent != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / extent) return std::nullopt;
    bytes *= extent;
  }
  return bytes;
}

/// Where the 64 characters of the one `"sha256":"..."` stand in a header, or npos. Quotation marks inside a JSON string
/// are escaped, so this text can only be a key and its value.
std::size_t find_hash(std::string_view header, std::string& error) {
  std::size_t found = std::string_view::npos;
  for (std::size_t at = header.find("\"sha256\""); at != std::string_view::npos;
       at = header.find("\"sha256\"", at + 1)) {
    const auto skip_space = [&](std::size_t i) {
      while (i < header.size() && std::strchr(" \t\r\n", header[i]) != nullptr && header[i] != '\0') ++i;
      return i;
    };
    std::size_t i = skip_space(at + 8);
    if (i >= header.size() || header[i] != ':') continue;
    i = skip_space(i + 1);
    if (i >= header.size() || header[i] != '"') continue;
    if (found != std::string_view::npos) {
      error = "the header names sha256 more than once";
      return std::string_view::npos;
    }
    found = i + 1;
  }
  if (found == std::string_view::npos || found + kHashChars > header.size()) {
    error = "the metadata has no sha256: the file cannot be told from a damaged one";
    return std::string_view::npos;
  }
  return found;
}

std::string hash_with_zeros(std::span<const std::uint8_t> file, std::size_t at) {
  const std::string zeros(kHashChars, '0');
  Sha256 sha;
  sha.update(file.first(at));
  sha.update({reinterpret_cast<const std::uint8_t*>(zeros.data()), zeros.size()});
  sha.update(file.subspan(at + kHashChars));
  return sha.hex();
}

std::string check_hash(std::span<const std::uint8_t> file, std::string_view header, const Container& container) {
  std::string error;
  const std::size_t at = find_hash(header, error);
  if (!error.empty()) return error;
  const auto stated = container.metadata.find("sha256");
  if (stated == container.metadata.end() || stated->second != header.substr(at, kHashChars)) {
    return "the metadata's sha256 is not 64 lower-case hexadecimal characters";
  }
  const std::string actual = hash_with_zeros(file, kLengthBytes + at);
  if (actual != stated->second) {
    return "the file is damaged: its SHA-256 is " + actual.substr(0, 12) + "..., expected " +
           stated->second.substr(0, 12) + "...";
  }
  return {};
}

/// Gives every tensor its bytes and checks that together they tile the data exactly.
std::string place_tensors(const std::vector<HeaderEntry>& entries, std::span<const std::uint8_t> data,
                          Container& container) {
  std::vector<const HeaderEntry*> order;
  for (const HeaderEntry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const HeaderEntry* a, const HeaderEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t position = 0;
  for (const HeaderEntry* entry : order) {
    const std::string where = "tensor '" + entry->name + "': ";
    if (item_bytes(entry->dtype) == 0) return where + "unknown dtype '" + entry->dtype.substr(0, 16) + "'";
    const std::optional<std::uint64_t> bytes = tensor_bytes(entry->dtype, entry->shape);
    if (!bytes) return where + "its size overflows";
    if (entry->begin > entry->end || entry->end > data.size()) {
      return where + "offsets " + std::to_string(entry->begin) + ".." + std::to_string(entry->end) +
             " do not lie in the file's " + std::to_string(data.size()) + " data bytes";
    }
    if (entry->begin < position) return where + "overlaps another tensor";
    if (entry->begin > position)
      return where + "leaves a hole of " + std::to_string(entry->begin - position) + " bytes";
    if (entry->end - entry->begin != *bytes) {
      return where + "has " + std::to_string(entry->end - entry->begin) + " bytes, its shape needs " +
             std::to_string(*bytes);
    }
    position = entry->end;
    container.tensors[entry->name] = {entry->dtype, entry->shape, data.subspan(entry->begin, *bytes)};
  }
  if (position != data.size()) return std::to_string(data.size() - position) + " bytes follow the last tensor";
  return {};
}

}  // namespace

std::uint64_t Tensor::size() const {
  std::uint64_t product = 1;
  for (const std::uint64_t extent : shape) product *= extent;
  return product;
}

Container parse_container(std::span<const std::uint8_t> file, bool require_hash) {
  Container container;
  const auto refuse = [](std::string reason) {
    Container refused;
    refused.error = std::move(reason);
    return refused;
  };
  if (file.size() < kLengthBytes)
    return refuse("not a safetensors file: only " + std::to_string(file.size()) + " bytes");
  std::uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i) header_bytes = header_bytes << 8 | file[static_cast<std::size_t>(i)];
  if (header_bytes > kMaxHeaderBytes) {
    return refuse("not a safetensors file: its header length " + std::to_string(header_bytes) + " is beyond " +
                  std::to_string(kMaxHeaderBytes));
  }
  if (header_bytes > file.size() - kLengthBytes) {
    return refuse("header length " + std::to_string(header_bytes) + " is beyond the file's end");
  }
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + kLengthBytes, header_bytes);
  std::vector<HeaderEntry> entries;
  std::string error = parse_header(header, entries, container.metadata);
  if (!error.empty()) return refuse("header: " + error);
  // Before anything else is believed: a damaged file should be called damaged, not misunderstood.
  if (require_hash) error = check_hash(file, header, container);
  if (error.empty()) error = place_tensors(entries, file.subspan(kLengthBytes + header_bytes), container);
  if (!error.empty()) return refuse(error);
  return container;
}

SerializedContainer serialize_container(const std::map<std::string, Tensor, std::less<>>& tensors,
                                        std::map<std::string, std::string, std::less<>> metadata) {
  SerializedContainer result;
  std::vector<HeaderEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
    if (!bytes || *bytes != tensor.bytes.size()) {
      result.error =
          "tensor '" + name + "': shape and type do not match its " + std::to_string(tensor.bytes.size()) + " bytes";
      return result;
    }
    entries.push_back({name, tensor.dtype, tensor.shape, 0, 0});
  }
  // Wide types first, so that every tensor is aligned to its type.
  std::stable_sort(entries.begin(), entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return item_bytes(a.dtype) > item_bytes(b.dtype);
  });
  std::uint64_t position = 0;
  for (HeaderEntry& entry : entries) {
    entry.begin = position;
    entry.end = position += tensors.at(entry.name).bytes.size();
  }
  metadata["sha256"] = std::string(kHashChars, '0');
  std::string header = format_header(entries, metadata);
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::size_t hash_at = find_hash(header, result.error);
  if (!result.error.empty()) return result;

  std::vector<std::uint8_t>& file = result.bytes;
  for (int i = 0; i < 8; ++i) file.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  file.insert(file.end(), header.begin(), header.end());
  for (const HeaderEntry& entry : entries) {
    const auto bytes = tensors.at(entry.name).bytes;
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  const std::string hash = hash_with_zeros(file, kLengthBytes + hash_at);
  std::copy(hash.begin(), hash.end(), file.begin() + static_cast<std::ptrdiff_t>(kLengthBytes + hash_at));
  return result;
}

}  // namespace diffverb::runtime
