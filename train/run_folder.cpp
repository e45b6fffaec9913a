#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <regex>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"

namespace diffverb {
namespace {

constexpr const char* kConfig = "config.resolved.yaml";
constexpr const char* kLock = "lock";

/// A run that was stopped, or that still goes on: a checkpoint, and none of what the end of a run writes.
bool is_unfinished(const std::filesystem::path& folder) {
  std::error_code code;
  for (const char* end : {"weights.safetensors", "model.safetensors", "metrics.json"}) {
    if (std::filesystem::exists(folder / end, code)) return false;
  }
  return std::filesystem::exists(folder / "checkpoint.safetensors", code);
}

/// Names of files in the folder that a run would write.
std::vector<std::filesystem::path> run_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (!entry.is_directory(code) && RunFolder::is_run_file(entry.path().filename().string()))
      out.push_back(entry.path());
  }
  if (code) throw DataError(folder.string() + ": cannot be read: " + code.message());
  return out;
}

}  // namespace

/// The lock of a folder, on its file "lock": the kernel lets go of it when the process ends, also by SIGKILL.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / kLock;
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) throw DataError(path.string() + ": cannot be made: " + std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) {
      note_owner();
      return;
    }
    const int code = errno;
    char owner[128] = "";
    const ssize_t size = ::pread(fd_, owner, sizeof owner - 1, 0);
    ::close(fd_);
    if (code != EWOULDBLOCK) throw DataError(path.string() + ": cannot be locked: " + std::strerror(code));
    throw ConfigError(folder.string() + ": another run writes there" +
                      (size > 0 ? " (" + std::string(owner, static_cast<std::size_t>(size)) + ")" : "") +
                      "; wait for it, stop it, or give another --out");
  }
  ~FolderLock() { ::close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  /// For the message alone: a full disk is no reason not to run.
  void note_owner() {
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    const std::string owner = "process " + std::to_string(::getpid()) + " on " + host;
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, owner.data(), owner.size(), 0) < 0) errno = 0;
  }

  int fd_ = -1;
};

bool RunFolder::is_run_file(const std::string& name) {
  static const std::regex kNames(
      "(weights\\.safetensors|ir\\.wav|position_[0-9]+\\.wav|target\\.wav|dry\\.wav|wet\\.wav|out\\.wav|metrics\\.json|"
      "config\\."
      "resolved\\.yaml|input|"
      "log|"
      "losses\\.jsonl|validation\\.jsonl|checkpoint(_[0-9]+)?\\.safetensors|(best|model)\\.safetensors|data\\.json|"
      "lock|report\\.html)(\\.["
      "0-9]+-[0-9]+\\.tmp)?|events\\.out\\.tfevents\\..*");
  return std::regex_match(name, kNames);
}

RunFolder::RunFolder(std::filesystem::path path, bool overwrite)
    : path_(path.lexically_normal()), overwrite_(overwrite) {
  if (!path_.has_filename() && path_.has_relative_path()) path_ = path_.parent_path();  // "out/" is "out"
  std::error_code code;
  const auto status = std::filesystem::status(path_, code);
  if (path_.empty()) throw ConfigError("the output folder's name is empty");
  if (!std::filesystem::exists(status)) return;
  if (!std::filesystem::is_directory(status))
    throw ConfigError(path_.string() + ": exists and is no folder, expected a folder to make");
  if (!overwrite_ && is_unfinished(path_))
    throw ConfigError(path_.string() + ": an unfinished run is there: --resume " + path_.string() +
                      " goes on with it, --overwrite begins again");
  if (!overwrite_) throw ConfigError(path_.string() + ": exists; give --overwrite, or another --out");
  if (!std::filesystem::exists(path_ / kConfig, code)) {
    for (const auto& file : run_files(path_))
      throw ConfigError(path_.string() + ": holds no run, but a file " + file.filename().string() +
                        " that would be lost; give another --out");
  }
}

RunFolder RunFolder::open(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) throw DataError(path.string() + ": no such folder");
  if (!std::filesystem::is_directory(path, code))
    throw DataError(path.string() + ": is no folder, expected a run folder");
  if (!std::filesystem::exists(path / kConfig, code))
    throw DataError(path.string() + ": is no run folder: it has no " + kConfig);
  return RunFolder(path, true);
}

void RunFolder::create(const std::string& resolved_yaml) {
  std::error_code code;
  log().close_file();
  reused_ = overwrite_ && std::filesystem::is_directory(path_, code);
  if (reused_) {
    lock_ = std::make_shared<FolderLock>(path_);
    for (const auto& file : run_files(path_)) {
      const std::string name = file.filename().string();
      if (name == kConfig || name == kLock) continue;  // the new config is renamed over the old one
      if (!std::filesystem::remove(file, code))
        throw DataError(file.string() + ": cannot be removed: " + code.message());
    }
  } else {
    code.clear();  // asking after a folder that is not there has set it
    if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), code);
    if (code || !std::filesystem::create_directory(path_, code))
      throw DataError(path_.string() + ": cannot be made: " + (code ? code.message() : "it exists by now"));
    lock_ = std::make_shared<FolderLock>(path_);
  }
  created_ = true;
  try {
    write_file_atomically(file(kConfig), resolved_yaml);
    log().add_file(file("log"));
  } catch (const DataError&) {  // a full disk
    discard_unless_begun();
    throw;
  }
}

void RunFolder::discard_unless_begun() {
  std::error_code code;
  if (!created_ || std::filesystem::exists(file("checkpoint.safetensors"), code)) return;
  log().close_file();
  for (const auto& file : run_files(path_)) std::filesystem::remove(file, code);
  if (!reused_) std::filesystem::remove(path_, code);  // not where somebody else has put a file into it
  created_ = false;
}

void RunFolder::resume() {
  lock_ = std::make_shared<FolderLock>(path_);
  std::error_code code;
  for (const auto& file : run_files(path_)) {
    if (file.extension() == ".tmp") std::filesystem::remove(file, code);
  }
  log().close_file();
  log().add_file(file("log"));
}

}  // namespace diffverb
