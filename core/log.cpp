#include "core/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/error.h"
#include "core/nearest.h"

namespace diffverb {
namespace {

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      return "off";
  }
  return "";
}

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

thread_local ThreadLog* this_thread = nullptr;

}  // namespace

ThreadLog::ThreadLog(Log& log, LogLevel stderr_from) : log_(log), stderr_from_(stderr_from) {
  if (this_thread) throw ContractError("ThreadLog: this thread has one already");
  this_thread = this;
}

ThreadLog::~ThreadLog() {
  log_.close_file();
  this_thread = nullptr;
}

Log::~Log() {
  if (file_) std::fclose(file_);
}

void Log::set_level(LogLevel level) {
  const std::lock_guard lock(mutex_);
  level_ = level;
}

void Log::add_file(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (!file) throw DataError(path.string() + ": cannot be written: " + std::strerror(errno));
  std::FILE*& mine = this->file();
  if (mine) std::fclose(mine);
  mine = file;
}

void Log::close_file() {
  const std::lock_guard lock(mutex_);
  std::FILE*& mine = file();
  if (mine) std::fclose(mine);
  mine = nullptr;
}

std::FILE*& Log::file() { return this_thread && &this_thread->log_ == this ? this_thread->file_ : file_; }

void Log::write(LogLevel level, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (std::FILE* const mine = file()) {
    std::fprintf(mine, "%s %-7s %s\n", time_text().c_str(), level_name(level), message.c_str());
    std::fflush(mine);
  }
  const bool alone = this_thread && &this_thread->log_ == this;
  if (level < (alone ? std::max(level_, this_thread->stderr_from_) : level_) || level_ == LogLevel::kOff) return;
  erase_bottom_line();
  const bool plain = level == LogLevel::kInfo;
  std::fprintf(stderr, "%s%s%s%s\n", plain ? "" : "diffverb: ", plain ? "" : level_name(level), plain ? "" : ": ",
               message.c_str());
  if (!bottom_line_.empty()) std::fprintf(stderr, "%s", bottom_line_.c_str());
  std::fflush(stderr);
}

void Log::set_bottom_line(const std::string& line) {
  const std::lock_guard lock(mutex_);
  erase_bottom_line();
  bottom_line_ = line;
  std::fprintf(stderr, "%s", line.c_str());
  std::fflush(stderr);
}

void Log::erase_bottom_line() {
  if (!bottom_line_.empty()) std::fprintf(stderr, "\r\033[K");
}

Log& log() {
  static Log the_log;
  return the_log;
}

LogLevel parse_log_level(const std::string& name) {
  std::vector<std::string> known;
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    if (name == level_name(level)) return level;
    known.push_back(level_name(level));
  }
  throw ConfigError("unknown log level '" + name + "'" + known_names_hint(name, known));
}

}  // namespace diffverb
