// What the runtime asks of the system; platform_windows.cpp is the same for Windows.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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

/// Makes the rename itself survive a power cut; a file system that cannot sync a folder is not an error.
void sync_folder(const std::filesystem::path& folder) {
  const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return;
  ::fsync(handle);
  ::close(handle);
}

}  // namespace

std::string write_file_atomically(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::string temporary = path.string() + ".XXXXXX";
  const int file = ::mkstemp(temporary.data());
  if (file < 0) return "cannot be written: " + system_reason(errno);
  std::string error = write_all(file, bytes);
  // mkstemp makes the file private; give it what the umask would have given a new file.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(file, 0666 & ~mask);
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
