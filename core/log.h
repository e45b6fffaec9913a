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
class Log {
 public:
  Log() = default;
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(LogLevel level);
  /// Appends to the file from now on. Throws a DataError where it cannot be opened.
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
  void erase_bottom_line();

  std::mutex mutex_;
  LogLevel level_ = LogLevel::kInfo;
  std::FILE* file_ = nullptr;
  std::string bottom_line_;
};

/// The one log of the process.
Log& log();

/// "debug", "info", "warning", "error" or "off"; else a ConfigError.
LogLevel parse_log_level(const std::string& name);

}  // namespace diffverb
