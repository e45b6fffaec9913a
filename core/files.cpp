#include "core/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/error.h"

namespace diffverb {
namespace {

std::string reason(int code) { return std::strerror(code); }

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

void write_all(int fd, const char* bytes, std::size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw DataError(path.string() + ": cannot be written: " + reason(errno));
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

/// The empty file at `temporary`, which will be renamed to `path`.
Descriptor made_for(const std::filesystem::path& path, const std::filesystem::path& temporary) {
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) throw DataError(path.string() + ": cannot be written: " + reason(errno));
  return Descriptor(fd);
}

}  // namespace

bool is_device(const std::filesystem::path& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (std::filesystem::is_directory(status)) throw DataError(path.string() + ": is a folder, expected a file to write");
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
}

void make_folder(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) throw DataError(path.string() + ": cannot be made: " + code.message());
}

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> count{0};
  std::filesystem::path out = path;
  out += "." + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".tmp";
  return out;
}

std::filesystem::path make_temporary_beside(const std::filesystem::path& path) {
  std::filesystem::path temporary = temporary_beside(path);
  made_for(path, temporary);
  return temporary;
}

void commit_temporary(const std::filesystem::path& temporary, const std::filesystem::path& path) {
  int code = 0;
  {
    Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 || ::fsync(file.get()) != 0) code = errno;
  }
  if (code == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(temporary.c_str());
    throw DataError(path.string() + ": cannot be written: " + reason(code));
  }
}

void write_file_atomically(const std::filesystem::path& path, const void* bytes, std::size_t size) {
  if (is_device(path)) {
    Descriptor device(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (device.get() < 0) throw DataError(path.string() + ": cannot be written: " + reason(errno));
    write_all(device.get(), static_cast<const char*>(bytes), size, path);
    return;
  }
  const std::filesystem::path temporary = temporary_beside(path);
  Descriptor file = made_for(path, temporary);
  try {
    write_all(file.get(), static_cast<const char*>(bytes), size, path);
    if (::fsync(file.get()) != 0 || file.close() != 0)
      throw DataError(path.string() + ": cannot be written: " + reason(errno));
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      throw DataError(path.string() + ": cannot be written: " + reason(errno));
  } catch (const DataError&) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void write_file_atomically(const std::filesystem::path& path, const std::string& bytes) {
  write_file_atomically(path, bytes.data(), bytes.size());
}

void check_readable_file(const std::filesystem::path& path, const std::string& expected) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) throw DataError(path.string() + ": no such file");
  if (std::filesystem::is_directory(status)) throw DataError(path.string() + ": is a folder, expected " + expected);
  if (::access(path.c_str(), R_OK) != 0) throw DataError(path.string() + ": cannot be read: " + reason(errno));
}

std::string read_file(const std::filesystem::path& path, std::size_t most_bytes) {
  check_readable_file(path, "a file");
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    bytes.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > most_bytes)
      throw DataError(path.string() + ": larger than the " + std::to_string(most_bytes) + " bytes expected at most");
  }
  if (file.bad()) throw DataError(path.string() + ": cannot be read");
  return bytes;
}

}  // namespace diffverb
