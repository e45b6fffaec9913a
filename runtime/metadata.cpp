#include "runtime/metadata.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/pyfdn_network.h"
#include "runtime/safetensors_header.h"

namespace diffverb::runtime {
namespace {

constexpr int kMajorVersion = 1;

/// The whole of a text as a number, as it was written in any locale.
template <typename T>
bool read_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string check_version(const std::string& version) {
  const std::size_t dot = version.find('.');
  int major = 0, minor = 0;
  if (dot == std::string::npos || !read_number(std::string_view(version).substr(0, dot), major) ||
      !read_number(std::string_view(version).substr(dot + 1), minor) || major < 1 || minor < 0) {
    return "metadata 'version' is " + in_quotes(version) + ", expected major.minor";
  }
  if (major > kMajorVersion)
    return "version " + version + " is newer than what this program reads (" + kNewestVersion + ")";
  return {};
}

constexpr std::uint64_t kMostHeaderBytes = 16u << 20;

std::string kind_in_header(std::string_view header) {
  std::vector<HeaderEntry> entries;
  std::map<std::string, std::string, std::less<>> metadata;
  if (!parse_header(header, entries, metadata).empty()) return {};
  const auto format = metadata.find("format"), kind = metadata.find("kind");
  if (format == metadata.end() || format->second != kFormat || kind == metadata.end()) return {};
  return kind->second;
}

std::uint64_t header_length(const std::uint8_t* first_eight) {
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | first_eight[i];
  return length;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string line(text.substr(0, 40));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return "'" + line + "'";
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const std::uint64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

std::string number_text(double value) { return nlohmann::json(value).dump(); }

const std::string* find_metadata(const Container& file, const char* key) {
  const auto found = file.metadata.find(key);
  return found == file.metadata.end() ? nullptr : &found->second;
}

std::string read_metadata_number(const Container& file, const char* key, double& value) {
  const std::string* text = find_metadata(file, key);
  if (!text) return std::string("metadata '") + key + "' is missing";
  if (!read_number(*text, value))
    return std::string("metadata '") + key + "' is " + in_quotes(*text) + ", expected a number";
  return {};
}

std::string check_provenance(const std::string& provenance) {
  if (nlohmann::json::parse(provenance, nullptr, false).is_object()) return {};
  return "the provenance is not the text of a JSON object";
}

std::string check_header(const Container& file, std::string& kind) {
  const std::string *format = find_metadata(file, "format"), *version = find_metadata(file, "version"),
                    *stated = find_metadata(file, "kind");
  if (!format || *format != kFormat)
    return std::string("not a diffverb weights file: metadata 'format' is not '") + kFormat + "'";
  if (!version) return "metadata 'version' is missing";
  if (std::string error = check_version(*version); !error.empty()) return error;
  if (!stated) return "metadata 'kind' is missing";
  kind = *stated;
  return {};
}

std::string find_tensor(const Container& file, const char* name, const char* dtype, const std::vector<int*>& extents,
                        const Tensor*& found) {
  const std::string where = std::string("tensor '") + name + "' ";
  const auto at = file.tensors.find(name);
  if (at == file.tensors.end()) return where + "is missing";
  const Tensor& tensor = at->second;
  if (tensor.dtype != dtype) return where + "has type " + tensor.dtype + ", expected " + dtype;
  std::string expected = "[";
  bool fits = tensor.shape.size() == extents.size();
  for (std::size_t i = 0; i < extents.size(); ++i) {
    expected += (i > 0 ? ", " : "") + (*extents[i] < 0 ? std::string("any") : std::to_string(*extents[i]));
    if (!fits || tensor.shape[i] > (1u << 30)) {
      fits = false;
    } else if (*extents[i] < 0) {
      *extents[i] = static_cast<int>(tensor.shape[i]);
    } else if (static_cast<std::uint64_t>(*extents[i]) != tensor.shape[i]) {
      fits = false;
    }
  }
  if (!fits) return where + "has shape " + shape_text(tensor.shape) + ", expected " + expected + "]";
  found = &tensor;
  return {};
}

std::string kind_of_bytes(std::span<const std::uint8_t> file) {
  if (file.size() < 8) return {};
  const std::uint64_t length = header_length(file.data());
  if (length > kMostHeaderBytes || length > file.size() - 8) return {};
  return kind_in_header({reinterpret_cast<const char*>(file.data()) + 8, static_cast<std::size_t>(length)});
}

std::string kind_of_file(const std::filesystem::path& path) {
  try {
    if (is_json_file(path)) return names_pyfdn(path) ? kDelayNetwork : "";
    std::ifstream file(path, std::ios::binary);
    std::uint8_t length_bytes[8];
    if (!file.read(reinterpret_cast<char*>(length_bytes), 8)) return {};
    const std::uint64_t length = header_length(length_bytes);
    if (length > kMostHeaderBytes) return {};
    std::string header(length, '\0');
    if (!file.read(header.data(), static_cast<std::streamsize>(length))) return {};
    return kind_in_header(header);
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace diffverb::runtime
