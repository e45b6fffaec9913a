#include "runtime/render_program/presets.h"

#include <cstdlib>
#include <filesystem>
#include <utility>
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

/// "04-plate" is "plate" too.
std::string plain_name(const fs::path& file) {
  const std::string stem = file.stem().string();
  const auto digits = stem.find_first_not_of("0123456789");
  return digits != std::string::npos && digits > 0 && stem[digits] == '-' ? stem.substr(digits + 1) : stem;
}

Preset taken(PresetResult&& loaded, const fs::path& file) {
  if (!loaded.error.empty()) throw RenderFailure{2, file.string() + ": " + loaded.error};
  return std::move(loaded.preset);
}

}  // namespace

Preset find_preset(const std::string& name_or_path) {
  if (fs::path(name_or_path).extension() == ".json") return taken(load_preset(name_or_path), name_or_path);
  std::string known;
  for (const fs::path& folder : folders()) {
    for (const fs::path& file : preset_files(folder)) {
      PresetResult loaded = load_preset(file);
      const std::string name = plain_name(file);
      if (name_or_path == name || name_or_path == file.stem() || name_or_path == loaded.preset.name)
        return taken(std::move(loaded), file);
      known += (known.empty() ? "" : ", ") + name;
    }
  }
  throw RenderFailure{1,
                      "--preset: no preset '" + name_or_path + "' is known" +
                          (known.empty() ? "; give the path of one (.json), or build the plug-in" : ", only " + known)};
}

}  // namespace diffverb::runtime
