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

void FilesTogether::write(const fs::path& path, const std::function<void(const fs::path&)>& writer) {
  if (is_device(path)) return writer(path);
  const std::string temporary = staged_.emplace_back(make_temporary_beside(path), path).first;
  try {
    writer(temporary);
  } catch (const DataError& error) {
    const std::string message = error.what();
    if (!message.starts_with(temporary)) throw;
    throw DataError(path.string() + message.substr(temporary.size()));
  }
}

void FilesTogether::commit() {
  std::vector<fs::path> made;
  while (!staged_.empty()) {
    const auto [temporary, path] = staged_.back();
    staged_.pop_back();
    std::error_code code;
    const bool is_new = !fs::exists(path, code);
    try {
      commit_temporary(temporary, path);
    } catch (const DataError&) {
      for (const fs::path& earlier : made) fs::remove(earlier, code);
      throw;
    }
    if (is_new) made.push_back(path);
  }
}

}  // namespace diffverb
