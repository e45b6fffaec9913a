#include "runtime/fuzz/mutate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/safetensors.h"
#include "runtime/sha256.h"

namespace diffverb::runtime {
namespace {

using Bytes = std::vector<std::uint8_t>;
using nlohmann::json;

/// A file taken apart, with values of its own.
struct Parts {
  struct Part {
    std::string dtype;
    std::vector<std::uint64_t> shape;
    Bytes bytes;
  };
  std::map<std::string, Part, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

bool take_apart(std::span<const std::uint8_t> file, Parts& parts) {
  const Container container = parse_container(file, false);
  if (!container.ok() || container.metadata.empty()) return false;
  for (const auto& [name, tensor] : container.tensors)
    parts.tensors[name] = {tensor.dtype, tensor.shape, {tensor.bytes.begin(), tensor.bytes.end()}};
  parts.metadata = container.metadata;
  return true;
}

Bytes put_together(const Parts& parts) {
  std::map<std::string, Tensor, std::less<>> views;
  for (const auto& [name, part] : parts.tensors) views[name] = {part.dtype, part.shape, part.bytes};
  return serialize_container(views, parts.metadata).bytes;
}

/// Makes the hash right again in a file of any header.
void rehash(Bytes& file) {
  const std::string key = "\"sha256\":\"";
  const auto found = std::search(file.begin(), file.end(), key.begin(), key.end());
  if (file.end() - found < 74) return;
  std::fill(found + 10, found + 74, std::uint8_t{'0'});
  Sha256 sha;
  sha.update(file);
  const std::string hash = sha.hex();
  std::copy(hash.begin(), hash.end(), found + 10);
}

class Mutation {
 public:
  Mutation(std::uint32_t seed, const ByteMutator& bytes) : random_(seed), bytes_(bytes) {}

  std::size_t below(std::size_t count) { return count == 0 ? 0 : random_() % count; }

  template <typename Map>
  auto any_of(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(below(map.size())));
  }

  void change(Parts& parts) {
    if (parts.tensors.empty() || below(4) == 0) return change_metadata(parts.metadata);
    const auto tensor = any_of(parts.tensors);
    switch (below(8)) {
      case 0:
        return change_shape(tensor->second);
      case 1:
        return rename(parts);
      case 2:
        return change_type(tensor->second);
      default:
        return change_values(tensor->second);
    }
  }

  Bytes change_header(Bytes file, std::size_t most) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), 8);
    Bytes header(file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(length));
    header.resize(header.size() + 64);
    header.resize(bytes_(header.data(), static_cast<std::size_t>(length), header.size()));
    Bytes out(8);
    const std::uint64_t new_length = below(16) == 0 ? random_() : header.size();
    std::memcpy(out.data(), &new_length, 8);
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), file.begin() + 8 + static_cast<std::ptrdiff_t>(length), file.end());
    return out.size() <= most ? out : file;
  }

  /// Another number somewhere in a JSON text; false where there is none.
  bool change_number(json& value) {
    if (value.is_number()) {
      static constexpr std::array<double, 10> kNumbers = {0, 1, -1, 2, 0.5, 1e-320, 1e308, 4294967296.0, 3e9, -7.5};
      const double old = value.get<double>();
      value = below(2) == 0 ? kNumbers[below(kNumbers.size())] : old * (0.5 + static_cast<double>(below(256)) / 128);
      if (below(2) == 0) value = static_cast<std::int64_t>(std::clamp(value.get<double>(), -9e15, 9e15));
      return true;
    }
    if (!value.is_structured() || value.empty()) return false;
    const auto at = std::next(value.begin(), static_cast<std::ptrdiff_t>(below(value.size())));
    if (below(24) == 0) return value.erase(at), true;
    return change_number(*at);
  }

 private:
  void change_values(Parts::Part& part) {
    const std::size_t item = part.dtype == "F64" ? 8 : part.dtype == "F16" ? 2 : 4;
    if (part.bytes.size() < item) return;
    for (std::size_t left = 1 + below(3); left > 0; --left) {
      std::uint8_t* at = part.bytes.data() + item * below(part.bytes.size() / item);
      if (below(3) == 0) {
        bytes_(at, item, item);
      } else if (part.dtype == "I32") {
        static constexpr std::array<std::int32_t, 9> kWhole = {0, 1, -1, 2, 3, 63, 64, 1 << 20, 1 << 30};
        std::memcpy(at, &kWhole[below(kWhole.size())], 4);
      } else {
        put_real(at, item);
      }
    }
  }

  void put_real(std::uint8_t* at, std::size_t item) {
    static constexpr std::array<double, 14> kReal = {0,    1,   -1,   0.999999, 1.0000001, -2,   0.5,
                                                     1e-9, 1e6, -1e6, 1e30,     1e-320,    1000, 1e-40};
    double value = kReal[below(kReal.size())];
    if (below(12) == 0) value = std::numeric_limits<double>::quiet_NaN();
    const auto narrow = static_cast<float>(value);
    float old = 0;
    if (item == 8) {
      std::memcpy(at, &value, 8);
    } else if (item == 4) {
      std::memcpy(&old, at, 4);
      const float next = below(2) == 0 ? narrow : old * (0.25f + static_cast<float>(below(256)) / 64);
      std::memcpy(at, &next, 4);
    }
  }

  /// The values follow the shape.
  void change_shape(Parts::Part& part) {
    static constexpr std::array<std::uint64_t, 10> kSizes = {0, 1, 2, 3, 5, 16, 64, 1 << 16, 1 << 29, 1 << 30};
    if (part.shape.empty() || below(8) == 0) part.shape.push_back(1 + below(3));
    if (below(8) == 0) part.shape.pop_back();
    if (!part.shape.empty()) {
      std::uint64_t& extent = part.shape[below(part.shape.size())];
      extent = below(2) == 0 ? kSizes[below(kSizes.size())] : extent + below(5) - 2;
    }
    std::uint64_t size = part.dtype == "F64" ? 8 : part.dtype == "F16" ? 2 : 4;
    for (const std::uint64_t extent : part.shape) size = extent > (1 << 20) ? (size > 0 ? 1 << 20 : 0) : size * extent;
    if (size <= 1 << 16) part.bytes.resize(size);
  }

  void rename(Parts& parts) {
    static constexpr std::array<const char*, 19> kNames = {
        "A",         "B",       "C",           "D",          "delays",       "line_sos",     "output_sos",
        "early",     "turning", "turn_left",   "turn_right", "moving_early", "moving_means", "moving_sines",
        "nonlinear", "noise",   "term0_after", "responses",  "axis_x"};
    const auto tensor = any_of(parts.tensors);
    const Parts::Part part = tensor->second;
    if (below(3) != 0) parts.tensors.erase(tensor);
    if (below(2) == 0) parts.tensors[kNames[below(kNames.size())]] = part;
  }

  void change_type(Parts::Part& part) {
    static constexpr std::array<const char*, 5> kTypes = {"F32", "I32", "F64", "F16", "U8"};
    static constexpr std::array<std::uint64_t, 5> kBytes = {4, 4, 8, 2, 1};
    const std::size_t type = below(kTypes.size());
    std::uint64_t size = kBytes[type];
    for (const std::uint64_t extent : part.shape) size = size > (1 << 20) ? size : size * extent;
    if (size > 1 << 16) return;
    part.dtype = kTypes[type];
    part.bytes.resize(size);
  }

  void change_metadata(std::map<std::string, std::string, std::less<>>& metadata) {
    static constexpr std::array<const char*, 16> kTexts = {"",
                                                           "1.0",
                                                           "1.2",
                                                           "2.0",
                                                           "delay_network",
                                                           "response_bank",
                                                           "autoencoder",
                                                           "waveform_autoencoder",
                                                           "true",
                                                           "product product",
                                                           "equal_power",
                                                           "frame_network",
                                                           "48000",
                                                           "8000",
                                                           "1e308",
                                                           "-1"};
    static constexpr std::array<const char*, 6> kKeys = {"terms",        "lossless", "moving_gains",
                                                         "latent_bound", "early_ms", "kind"};
    if (below(6) == 0) {
      metadata[kKeys[below(kKeys.size())]] = kTexts[below(kTexts.size())];
      return;
    }
    const auto entry = any_of(metadata);
    json parsed = json::parse(entry->second, nullptr, false);
    if (!parsed.is_discarded() && change_number(parsed)) {
      entry->second = parsed.dump(-1, ' ', false, json::error_handler_t::replace);
    } else if (below(3) == 0) {
      entry->second = kTexts[below(kTexts.size())];
    } else if (below(8) == 0) {
      metadata.erase(entry);
    } else {
      std::string text = entry->second;
      text.resize(text.size() + 8);
      text.resize(bytes_(reinterpret_cast<std::uint8_t*>(text.data()), entry->second.size(), text.size()));
      entry->second = text;
    }
  }

  std::minstd_rand random_;
  const ByteMutator& bytes_;
};

Bytes mutate_text(std::span<const std::uint8_t> file, std::size_t most, Mutation& mutation) {
  json text = json::parse(file.begin(), file.end(), nullptr, false);
  if (text.is_discarded()) return {};
  for (std::size_t left = 1 + mutation.below(3); left > 0; --left) mutation.change_number(text);
  const std::string out = text.dump(-1, ' ', false, json::error_handler_t::replace);
  return out.size() <= most ? Bytes(out.begin(), out.end()) : Bytes();
}

}  // namespace

Bytes mutate_file(std::span<const std::uint8_t> file, std::size_t most, std::uint32_t seed, const ByteMutator& bytes) {
  Mutation mutation(seed, bytes);
  Bytes out(file.begin(), file.end());
  Parts parts;
  const std::size_t way = mutation.below(16);
  if (way < 2) {
    // Any bytes.
  } else if (!file.empty() && file[0] == '{') {
    Bytes text = mutate_text(file, most, mutation);
    if (!text.empty()) return text;
  } else if (take_apart(file, parts)) {
    if (way == 2) {
      out = mutation.change_header(std::move(out), most);
    } else {
      for (std::size_t left = 1 + mutation.below(2); left > 0; --left) mutation.change(parts);
      const Bytes changed = put_together(parts);
      if (!changed.empty() && changed.size() <= most) out = changed;
    }
    rehash(out);
    return out;
  }
  const std::size_t size = std::min(out.size(), most);
  out.resize(most);
  out.resize(bytes(out.data(), size, most));
  rehash(out);
  return out;
}

Bytes cross_files(std::span<const std::uint8_t> file, std::span<const std::uint8_t> other, std::size_t most,
                  std::uint32_t seed) {
  const ByteMutator none;
  Mutation mutation(seed, none);
  Parts parts, others;
  Bytes out(file.begin(), file.end());
  if (!take_apart(file, parts) || !take_apart(other, others)) return out;
  const std::size_t taken = 1 + mutation.below(4);
  for (const auto& [name, part] : others.tensors) {
    if (mutation.below(4) < taken) parts.tensors[name] = part;
  }
  for (const auto& [key, value] : others.metadata) {
    if (mutation.below(4) < taken) parts.metadata[key] = value;
  }
  Bytes crossed = put_together(parts);
  return !crossed.empty() && crossed.size() <= most ? crossed : out;
}

}  // namespace diffverb::runtime
