#pragma once

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>

namespace diffverb {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

/// Where messages about a run go: stderr and, once a run folder is there, its log file. Results never go here.
///
/// A file gets every message from debug up, with the time; stderr those from `level` up. Safe to use from any thread.
/// All threads have one file, but for those with a ThreadLog.
class Log {
 public:
  Log() = default;
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(LogLevel level);
  /// Appends to the file from now on, in place of the one before. Throws a DataError where it cannot be opened.
  void add_file(const std::filesystem::path& path);
  void close_file();

  void debug(const std::string& message) { write(LogLevel::kDebug, message); }
  void info(const std::string& message) { write(LogLevel::kInfo, message); }
  void warning(const std::string& message) { write(LogLevel::kWarning, message); }
  void error(const std::string& message) { write(LogLevel::kError, message); }
  void write(LogLevel level, const std::string& message);

  /// The line that a progress bar keeps at the bottom of a terminal; "" takes it away. Messages go above it.
  void set_bottom_line(const std::string& line);

 private:
  friend class ThreadLog;
  std::FILE*& file();  // of the calling thread
  void erase_bottom_line();

  std::mutex mutex_;
  LogLevel level_ = LogLevel::kInfo;
  std::FILE* file_ = nullptr;
  std::string bottom_line_;
};

/// Gives its thread a file of its own for as long as it lives: add_file() and close_file() of this thread then mean that
/// file, and what the thread says goes there and, from `stderr_from` up, to stderr. For runs that share a process, each
/// in a thread.
class ThreadLog {
 public:
  ThreadLog(Log& log, LogLevel stderr_from);
  ~ThreadLog();
  ThreadLog(const ThreadLog&) = delete;
  ThreadLog& operator=(const ThreadLog&) = delete;

 private:
  friend class Log;
  Log& log_;
  LogLevel stderr_from_;
  std::FILE* file_ = nullptr;
};

/// The one log of the process.
Log& log();

/// "debug", "info", "warning", "error" or "off"; else a ConfigError.
LogLevel parse_log_level(const std::string& name);

}  // namespace diffverb
