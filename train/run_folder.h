#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace diffverb {

/// The folder that a run writes: weights, sounds, metrics, config.resolved.yaml, log, checkpoint, events, report.
///
/// The constructor only checks and touches nothing, so that a wrong input leaves what was there as it was; create() is
/// called once the input has proven good. Overwriting removes the files of an earlier run by their names, and no
/// others, the old config last: at no moment do files of two runs stand together. Two runs cannot share a folder.
///
/// Throws   ConfigError where the folder exists and `overwrite` is false, where it is no folder, or where overwriting
///          would take files that no run wrote, or where another run writes there; DataError where it cannot be made
class RunFolder {
 public:
  RunFolder(std::filesystem::path path, bool overwrite);

  /// An earlier run's folder, to resume or report on. Throws a DataError where it holds no run.
  static RunFolder open(const std::filesystem::path& path);

  /// Makes the folder, locks it, writes config.resolved.yaml, and lets the log go to its file.
  void create(const std::string& resolved_yaml);
  /// For a run that ended in an error: where create() was called and there is no checkpoint to go on from, takes away
  /// what the run wrote and, unless it stood there before, the folder, so that it does not block the next try.
  void discard_unless_begun();
  /// Locks an opened folder to go on in it, takes away what a killed run left half written, and lets the log go to its
  /// file. The lock is held as long as a copy of this object lives, and ends with the process however that ends.
  /// Throws   ConfigError where another process runs in the folder
  void resume();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }

  /// Whether a run writes a file of this name.
  static bool is_run_file(const std::string& name);

 private:
  std::filesystem::path path_;
  bool overwrite_ = false, created_ = false, reused_ = false;
  std::shared_ptr<class FolderLock> lock_;
};

}  // namespace diffverb
