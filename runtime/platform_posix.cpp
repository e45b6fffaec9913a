// What the runtime asks of the system; platform_windows.cpp is the same for Windows.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

std::string system_reason(int error) { return std::generic_category().message(error); }

std::string write_all(int file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_reason(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return ::fsync(file) == 0 ? std::string() : system_reason(errno);
}

/// A new file beside `path`, under a name that nobody has and with the mode that the umask gives new files: mkstemp would
/// make it private, and the umask can only be read by setting it, for all threads. Below 0 where none can be made.
int open_beside(const std::filesystem::path& path, std::string& name) {
  static std::atomic<unsigned> made{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    name = path.string() + "." + std::to_string(::getpid()) + "." + std::to_string(made++);
    const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}

/// Makes the rename itself survive a power cut; a file system that cannot sync a folder is not an error.
void sync_folder(const std::filesystem::path& folder) {
  const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return;
  ::fsync(handle);
  ::close(handle);
}

}  // namespace

std::string write_file_atomically(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::error_code code;
  const auto there = std::filesystem::status(path, code);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    return "is not a regular file, expected a file to write";  // renamed over, a device would be gone
  std::string temporary;
  const int file = open_beside(path, temporary);
  if (file < 0) return "cannot be written: " + system_reason(errno);
  std::string error = write_all(file, bytes);
  if (::close(file) != 0 && error.empty()) error = system_reason(errno);
  if (error.empty() && ::rename(temporary.c_str(), path.c_str()) != 0) error = system_reason(errno);
  if (!error.empty()) {
    ::unlink(temporary.c_str());
    return "cannot be written: " + error;
  }
  sync_folder(path.parent_path());
  return {};
}

}  // namespace diffverb::runtime
