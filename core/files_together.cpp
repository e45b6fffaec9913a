#include "core/files_together.h"

#include <system_error>

#include "core/error.h"
#include "core/files.h"

namespace diffverb {

namespace fs = std::filesystem;

FilesTogether::~FilesTogether() {
  std::error_code code;
  for (const auto& [temporary, path] : staged_) fs::remove(temporary, code);
}

fs::path FilesTogether::stage(const fs::path& path) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (fs::is_directory(status)) throw DataError(path.string() + ": is a folder, expected a file to write");
  if (fs::exists(status) && !fs::is_regular_file(status)) return path;
  const fs::path temporary = temporary_beside(path);
  try {
    write_file_atomically(temporary, "");
  } catch (const DataError& error) {
    // The name that was asked for, and the system's reason.
    const std::string message = error.what();
    throw DataError(path.string() + message.substr(temporary.string().size()));
  }
  staged_.emplace_back(temporary, path);
  return temporary;
}

void FilesTogether::commit() {
  std::vector<fs::path> made;
  while (!staged_.empty()) {
    const auto [temporary, path] = staged_.back();
    staged_.pop_back();
    const bool is_new = !fs::exists(path);
    try {
      commit_temporary(temporary, path);
    } catch (const DataError&) {
      std::error_code code;
      for (const fs::path& earlier : made) fs::remove(earlier, code);
      throw;
    }
    if (is_new) made.push_back(path);
  }
}

}  // namespace diffverb
