#include "train/run_folder.h"

#include <regex>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"

namespace diffverb {
namespace {

constexpr const char* kConfig = "config.resolved.yaml";

/// Names of files in the folder that a run would write.
std::vector<std::filesystem::path> run_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (!entry.is_directory(code) && RunFolder::is_run_file(entry.path().filename().string()))
      out.push_back(entry.path());
  }
  if (code) throw DataError(folder.string() + ": cannot be read: " + code.message());
  return out;
}

}  // namespace

bool RunFolder::is_run_file(const std::string& name) {
  static const std::regex kNames(
      "(weights\\.safetensors|ir\\.wav|target\\.wav|dry\\.wav|wet\\.wav|metrics\\.json|config\\.resolved\\.yaml|input|"
      "log|"
      "losses\\.jsonl|checkpoint\\.safetensors|report\\.html)(\\.[0-9]+-[0-9]+\\.tmp)?|events\\.out\\.tfevents\\..*");
  return std::regex_match(name, kNames);
}

RunFolder::RunFolder(std::filesystem::path path, bool overwrite)
    : path_(path.lexically_normal()), overwrite_(overwrite) {
  if (!path_.has_filename() && path_.has_relative_path()) path_ = path_.parent_path();  // "out/" is "out"
  std::error_code code;
  const auto status = std::filesystem::status(path_, code);
  if (path_.empty()) throw ConfigError("the output folder's name is empty");
  if (!std::filesystem::exists(status)) return;
  if (!std::filesystem::is_directory(status))
    throw ConfigError(path_.string() + ": exists and is no folder, expected a folder to make");
  if (!overwrite_) throw ConfigError(path_.string() + ": exists; give --overwrite, or another --out");
  if (!std::filesystem::exists(path_ / kConfig, code)) {
    for (const auto& file : run_files(path_))
      throw ConfigError(path_.string() + ": holds no run, but a file " + file.filename().string() +
                        " that would be lost; give another --out");
  }
}

RunFolder RunFolder::open(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) throw DataError(path.string() + ": no such folder");
  if (!std::filesystem::is_directory(path, code))
    throw DataError(path.string() + ": is no folder, expected a run folder");
  if (!std::filesystem::exists(path / kConfig, code))
    throw DataError(path.string() + ": is no run folder: it has no " + kConfig);
  return RunFolder(path, true);
}

void RunFolder::create(const std::string& resolved_yaml) {
  std::error_code code;
  log().close_file();
  const bool reuse = overwrite_ && std::filesystem::is_directory(path_, code);
  if (reuse) {
    for (const auto& file : run_files(path_)) {
      if (!std::filesystem::remove(file, code))
        throw DataError(file.string() + ": cannot be removed: " + code.message());
    }
  } else {
    code.clear();  // asking after a folder that is not there has set it
    if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), code);
    if (code || !std::filesystem::create_directory(path_, code))
      throw DataError(path_.string() + ": cannot be made: " + (code ? code.message() : "it exists by now"));
  }
  try {
    write_file_atomically(file(kConfig), resolved_yaml);
  } catch (const DataError&) {
    if (!reuse) std::filesystem::remove(path_, code);  // a full disk: leave no empty folder that blocks the next try
    throw;
  }
  log().add_file(file("log"));
}

}  // namespace diffverb
