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
  if (is_device(path)) return path;
  return staged_.emplace_back(make_temporary_beside(path), path).first;
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
