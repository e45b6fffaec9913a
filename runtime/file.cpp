#include <cerrno>
#include <fstream>
#include <memory>
#include <system_error>

#include "runtime/safetensors.h"

namespace diffverb::runtime {

FileBytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  FileBytes result;
  const auto refuse = [&](const std::string& reason) {
    result.bytes.clear();
    result.error = reason;
    return result;
  };
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) return refuse("no such file");
  if (status.type() != std::filesystem::file_type::regular) return refuse("not a regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(errno != 0 ? std::generic_category().message(errno) : "cannot be opened");
  // In pieces: a file may grow while it is read.
  constexpr std::size_t kChunk = 1 << 16;
  const auto chunk = std::make_unique<char[]>(kChunk);
  while (file) {
    file.read(chunk.get(), kChunk);
    result.bytes.insert(result.bytes.end(), chunk.get(), chunk.get() + file.gcount());
    if (result.bytes.size() > max_bytes) return refuse("larger than " + std::to_string(max_bytes >> 20) + " MiB");
  }
  if (!file.eof()) return refuse("cannot be read to its end");
  return result;
}

}  // namespace diffverb::runtime
