#pragma once

#include <filesystem>
#include <utility>
#include <vector>

namespace diffverb {

/// Several files of which all are written or none: each under a temporary name beside its own, then all renamed.
///
///     FilesTogether files;
///     write_audio(files.stage("ir.wav"), response);
///     write_page(files.stage("ir.html"));
///     files.commit();
///
/// What was staged and not committed is removed. A device or a pipe is written to as it is.
class FilesTogether {
 public:
  FilesTogether() = default;
  ~FilesTogether();
  FilesTogether(const FilesTogether&) = delete;
  FilesTogether& operator=(const FilesTogether&) = delete;

  /// Where to write what shall be at `path`. Throws a DataError that names `path` where no file can be made there.
  std::filesystem::path stage(const std::filesystem::path& path);
  /// Throws a DataError where a file cannot take its name; then those of this commit that are new are removed again.
  void commit();

 private:
  std::vector<std::pair<std::filesystem::path, std::filesystem::path>> staged_;  // temporary, final
};

}  // namespace diffverb
