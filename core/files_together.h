#pragma once

#include <filesystem>
#include <functional>
#include <utility>
#include <vector>

namespace diffverb {

/// Several files of which all are written or none: each under a temporary name beside its own, then all renamed.
///
///     FilesTogether files;
///     files.write("ir.wav", [&](const std::filesystem::path& at) { write_audio(at, response); });
///     files.write("ir.html", write_page);
///     files.commit();
///
/// What was written and not committed is removed. A device or a pipe is written to as it is.
class FilesTogether {
 public:
  FilesTogether() = default;
  ~FilesTogether();
  FilesTogether(const FilesTogether&) = delete;
  FilesTogether& operator=(const FilesTogether&) = delete;

  /// `writer` writes to the place that it is given what shall be at `path`. Throws a DataError that names `path` where no file
  /// can be made there, and those of the writer, which then name `path` too.
  void write(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& writer);
  /// Throws a DataError where a file cannot take its name; then those of this commit that are new are removed again.
  void commit();

 private:
  std::vector<std::pair<std::filesystem::path, std::filesystem::path>> staged_;  // temporary, final
};

}  // namespace diffverb
