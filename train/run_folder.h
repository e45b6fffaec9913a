#pragma once

#include <filesystem>
#include <string>

namespace diffverb {

/// The folder that a run writes: weights, sounds, metrics, config.resolved.yaml, log, checkpoint, events, report.
///
/// The constructor only checks and touches nothing, so that a wrong input leaves what was there as it was; create() is
/// called once the input has proven good. Overwriting removes the files of an earlier run by their names, and no
/// others.
///
/// Throws   ConfigError where the folder exists and `overwrite` is false, where it is no folder, or where overwriting
///          would take files that no run wrote; DataError where it cannot be made
class RunFolder {
 public:
  RunFolder(std::filesystem::path path, bool overwrite);

  /// An earlier run's folder, to resume or report on. Throws a DataError where it holds no run.
  static RunFolder open(const std::filesystem::path& path);

  /// Makes the folder, writes config.resolved.yaml, and lets the log go to its file.
  void create(const std::string& resolved_yaml);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }

  /// Whether a run writes a file of this name.
  static bool is_run_file(const std::string& name);

 private:
  std::filesystem::path path_;
  bool overwrite_ = false;
};

}  // namespace diffverb
