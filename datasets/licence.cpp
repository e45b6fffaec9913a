#include "datasets/licence.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>
#include <utility>
#include <vector>

#include "core/files.h"
#include "core/printed.h"

namespace diffverb {
namespace {

constexpr std::size_t kMostShown = 80;
constexpr std::size_t kMostText = 1 << 20;

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

/// "cc by-sa 4.0", "creativecommons.org/licenses/by-sa/4.0", "attribution-sharealike 4.0": in one spelling, or "".
std::string creative_commons(const std::string& text) {
  static const std::regex kZero(R"(\bcc[ -]?0\b|publicdomain/zero|cc0 1\.0)");
  if (std::regex_search(text, kZero)) return "CC0-1.0";
  static const std::regex kShort(R"((?:\bcc[ -]|licenses/)(by(?:[ -](?:nc|nd|sa))*)(?:[ /-]*v?(\d\.\d))?(?![a-z]))");
  static const std::regex kLong(
      R"(attribution((?:[ -](?:noncommercial|noderivatives|noderivs|sharealike))*) (\d\.\d))");
  std::smatch match;
  std::string kind, version;
  if (std::regex_search(text, match, kShort)) {
    kind = match[1];
    version = match[2];
  } else if (std::regex_search(text, match, kLong)) {
    kind = "by" + match[1].str();
    version = match[2];
    for (const auto& [word, letters] : std::initializer_list<std::pair<const char*, const char*>>{
             {"noncommercial", "nc"}, {"noderivatives", "nd"}, {"noderivs", "nd"}, {"sharealike", "sa"}})
      kind = std::regex_replace(kind, std::regex(word), letters);
  } else {
    return "";
  }
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return c == ' ' ? '-' : static_cast<char>(std::toupper(c)); });
  return "CC-" + kind + (version.empty() ? "" : "-" + version);
}

std::string first_line(const std::string& text) {
  std::size_t begin = text.find_first_not_of(" \t\r\n#*=-");
  if (begin == std::string::npos) return "";
  std::string line = text.substr(begin, text.find_first_of("\r\n", begin) - begin);
  for (char& c : line) c = c == '\0' ? ' ' : c;
  if (line.size() > kMostShown) {
    std::size_t end = kMostShown;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;  // not inside a character
    line.resize(end);
  }
  return line.substr(0, line.find_last_not_of(" \t") + 1);
}

bool is_licence_file(const std::filesystem::path& path) {
  static constexpr std::array<const char*, 8> kNames = {"license",     "licence",     "copying",    "license.txt",
                                                        "licence.txt", "copying.txt", "license.md", "licence.md"};
  const std::string name = lower_case(path.filename().string());
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

std::string licence_name(const std::string& text) {
  const std::string all = std::regex_replace(lower_case(text), std::regex(R"(\s+)"), " ");
  if (all.empty() || all == " " || has(all, "no license provided") || has(all, "no licence provided"))
    return kUnknownLicence;
  if (has(all, "permission is hereby granted, free of charge")) return "MIT";
  if (has(all, "apache license")) return "Apache-2.0";
  if (has(all, "redistribution and use in source and binary forms"))
    return has(all, "neither the name") ? "BSD-3-Clause" : "BSD-2-Clause";
  if (const std::string name = creative_commons(all); !name.empty()) return name;
  if (all == "mit" || all == "mit license" || all == "mit licence") return "MIT";
  const std::string line = first_line(text);
  return line.empty() ? kUnknownLicence : line;
}

std::string licence_near(const std::filesystem::path& file, const std::filesystem::path& root) {
  std::error_code code;
  for (std::filesystem::path folder = file.parent_path();; folder = folder.parent_path()) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder.empty() ? "." : folder, code)) {
      if (entry.is_regular_file(code) && is_licence_file(entry.path())) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    if (!found.empty()) return licence_name(read_file(found[0], kMostText));
    if (folder == root || folder.empty() || folder == folder.parent_path()) return kUnknownLicence;
  }
}

}  // namespace diffverb
