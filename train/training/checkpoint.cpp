#include "train/training/checkpoint.h"

#include <ATen/ops/empty.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "core/nearest.h"
#include "core/sha256.h"

namespace diffverb {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "diffverb-checkpoint";
constexpr const char* kVersion = "1";
constexpr std::uint64_t kLongestHeader = 100'000'000;  // of any safetensors file
const std::string kHashKey = "\"sha256\":\"";

struct Type {
  const char* name;
  at::ScalarType type;
};
constexpr Type kTypes[] = {{"F32", at::kFloat}, {"F64", at::kDouble}, {"I64", at::kLong},
                           {"I32", at::kInt},   {"U8", at::kByte},    {"BOOL", at::kBool}};

std::string type_name(at::ScalarType type) {
  for (const Type& known : kTypes) {
    if (known.type == type) return known.name;
  }
  throw ContractError(std::string("checkpoint: dtype ") + c10::toString(type) + " cannot be stored");
}

std::string shape_text(at::IntArrayRef sizes) {
  std::ostringstream out;
  out << sizes;
  return out.str();
}

/// The file's hash: of everything, with the 64 digits at `at` taken as '0'.
std::string hash_of(std::string bytes, std::size_t at) {
  bytes.replace(at, 64, std::string(64, '0'));
  return sha256_hex(bytes);
}

at::Tensor tensor_from(const std::filesystem::path& path, const std::string& name, const Json& entry, const char* data,
                       std::size_t data_size, std::size_t& expected_begin) {
  const std::string where = path.string() + ": tensor '" + name + "'";
  const std::string dtype = entry.at("dtype").get<std::string>();
  const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
  const auto begin = entry.at("data_offsets").at(0).get<std::size_t>();
  const auto end = entry.at("data_offsets").at(1).get<std::size_t>();
  for (const Type& known : kTypes) {
    if (dtype != known.name) continue;
    std::size_t bytes = c10::elementSize(known.type);
    for (const std::int64_t length : shape) {
      if (length < 0 || (length > 0 && bytes > data_size / static_cast<std::size_t>(length) && data_size > 0))
        throw DataError(where + ": shape does not fit the file");
      bytes *= static_cast<std::size_t>(length);
    }
    if (begin != expected_begin || end < begin || end > data_size || end - begin != bytes)
      throw DataError(where + ": its bytes do not fit its shape and the file");
    expected_begin = end;
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(known.type));
    if (bytes) std::memcpy(tensor.data_ptr(), data + begin, bytes);
    return tensor;
  }
  throw DataError(where + ": dtype '" + dtype + "' is not known");
}

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> out;
  for (const auto& entry : map) out.push_back(entry.first);
  return out;
}

}  // namespace

const at::Tensor& Checkpoint::tensor(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    throw DataError("checkpoint: no tensor '" + name + "'" + known_names_hint(name, keys_of(tensors)));
  return found->second;
}

const std::string& Checkpoint::text(const std::string& name) const {
  const auto found = texts.find(name);
  if (found == texts.end())
    throw DataError("checkpoint: no text '" + name + "'" + known_names_hint(name, keys_of(texts)));
  return found->second;
}

void Checkpoint::copy_to(const std::string& name, at::Tensor destination) const {
  const at::Tensor& source = tensor(name);
  if (source.sizes() != destination.sizes() || source.scalar_type() != destination.scalar_type())
    throw DataError("checkpoint: tensor '" + name + "' is " + c10::toString(source.scalar_type()) + " " +
                    shape_text(source.sizes()) + ", expected " + c10::toString(destination.scalar_type()) + " " +
                    shape_text(destination.sizes()));
  const at::NoGradGuard no_grad;
  destination.copy_(source);
}

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  Json header;
  std::size_t offset = 0;
  std::vector<at::Tensor> stored;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!tensor.defined()) throw ContractError("checkpoint: tensor '" + name + "' is undefined");
    stored.push_back(tensor.detach().to(at::kCPU).contiguous());
    const std::size_t bytes = stored.back().nbytes();
    header[name] = {{"dtype", type_name(tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  Json& metadata = header["__metadata__"];
  for (const auto& [name, text] : checkpoint.texts) metadata["text." + name] = text;
  metadata["format"] = kFormat;
  metadata["version"] = kVersion;
  metadata["sha256"] = std::string(64, '0');
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    throw ContractError(std::string("checkpoint: a text is not UTF-8: ") + error.what());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>((std::uint64_t{text.size()} >> (8 * i)) & 0xff);
  bytes += text;
  bytes.reserve(bytes.size() + offset);
  for (const at::Tensor& tensor : stored) bytes.append(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes());
  const std::size_t hash_at = bytes.find(kHashKey + std::string(64, '0')) + kHashKey.size();
  bytes.replace(hash_at, 64, hash_of(bytes, hash_at));
  write_file_atomically(path, bytes);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const auto refuse = [&](const std::string& why) {
    throw DataError(path.string() + ": not a whole checkpoint: " + why);
  };
  std::uint64_t header_size = 0;
  if (bytes.size() < 8) refuse("it has " + std::to_string(bytes.size()) + " bytes");
  for (std::size_t i = 0; i < 8; ++i) header_size |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  if (header_size > kLongestHeader) throw DataError(path.string() + ": is no model file and no checkpoint");
  if (header_size > bytes.size() - 8) refuse("it ends within its header");
  const std::size_t data_at = 8 + static_cast<std::size_t>(header_size);
  try {
    const Json header = Json::parse(bytes.begin() + 8, bytes.begin() + static_cast<std::ptrdiff_t>(data_at));
    const Json& metadata = header.at("__metadata__");
    if (metadata.at("format") != kFormat) refuse("its format is " + metadata.at("format").dump());
    if (metadata.at("version") != kVersion) refuse("its version is " + metadata.at("version").dump() + ", expected 1");
    const std::string hash = metadata.at("sha256").get<std::string>();
    const std::size_t found = hash.size() == 64 ? bytes.find(kHashKey + hash) : std::string::npos;
    if (found >= data_at || hash_of(bytes, found + kHashKey.size()) != hash)
      refuse("its bytes do not match its SHA-256");
    Checkpoint out;
    std::size_t end = 0;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      out.tensors[name] = tensor_from(path, name, entry, bytes.data() + data_at, bytes.size() - data_at, end);
    }
    if (end != bytes.size() - data_at) refuse("it has bytes that belong to no tensor");
    for (const auto& [name, value] : metadata.items()) {
      if (name.rfind("text.", 0) == 0) out.texts[name.substr(5)] = value.get<std::string>();
    }
    return out;
  } catch (const Json::exception&) {
    throw DataError(path.string() + ": not a whole checkpoint: its header is damaged");
  }
}

}  // namespace diffverb
