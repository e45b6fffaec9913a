#include "runtime/render_program/presets.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "runtime/render_program/failure.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders() {
  std::vector<fs::path> out;
  if (const char* given = std::getenv("DIFFVERB_PRESETS")) out.emplace_back(given);
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code).parent_path();
  if (!program.empty()) {
    out.push_back(program / "plugin/bin/clap/resources");
    out.push_back(program / "../share/diffverb/presets");
  }
  if (const char* home = std::getenv("HOME")) out.push_back(fs::path(home) / ".clap/diffverb/resources");
  return out;
}

std::vector<fs::path> preset_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    if (entry->path().extension() == ".json") files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// "04-plate" is "plate" too.
std::string plain_name(const fs::path& file) {
  const std::string stem = file.stem().string();
  const auto digits = stem.find_first_not_of("0123456789");
  return digits != std::string::npos && digits > 0 && stem[digits] == '-' ? stem.substr(digits + 1) : stem;
}

}  // namespace

Preset find_preset(const std::string& name_or_path) {
  const auto load = [](const fs::path& file) {
    PresetResult loaded = load_preset(file);
    if (!loaded.error.empty()) throw RenderFailure{2, file.string() + ": " + loaded.error};
    return loaded.preset;
  };
  if (fs::path(name_or_path).extension() == ".json") return load(name_or_path);
  std::string known;
  for (const fs::path& folder : folders()) {
    for (const fs::path& file : preset_files(folder)) {
      const std::string name = plain_name(file);
      if (name_or_path == name || name_or_path == file.stem() || name_or_path == load_preset(file).preset.name)
        return load(file);
      known += (known.empty() ? "" : ", ") + name;
    }
  }
  throw RenderFailure{1,
                      "--preset: no preset '" + name_or_path + "' is known" +
                          (known.empty() ? "; give the path of one (.json), or build the plug-in" : ", only " + known)};
}

}  // namespace diffverb::runtime
