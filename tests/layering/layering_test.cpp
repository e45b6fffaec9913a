#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "tests/scratch.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// Which folders of ours the files of a folder may include. Below them stand the exceptions.
///
///     core <- models, losses, datasets (siblings, never each other) <- train <- experiments, tests
///     runtime includes nothing of ours; train and plugin may include runtime; python is made of core and losses
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"runtime", {"runtime"}},           {"core", {"core"}},
    {"losses", {"losses", "core"}},     {"models", {"models", "core"}},
    {"datasets", {"datasets", "core"}}, {"train", {"train", "losses", "models", "datasets", "core", "runtime"}},
    {"plugin", {"plugin", "runtime"}},  {"python", {"python", "losses", "core"}},
};

/// A line "file: includes what it may not" for each violation below `root`.
std::vector<std::string> violations(const fs::path& root) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*["<]([a-z_]+)/[^">]*[">].*)re");
  std::vector<std::string> out;
  for (const auto& [folder, allowed] : kMayInclude) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      static const std::set<std::string> kSources = {".h", ".cpp", ".cu", ".cuh", ".c", ".hpp"};
      if (!kSources.count(entry.path().extension().string())) continue;
      std::ifstream file(entry.path());
      int number = 0;
      for (std::string line; std::getline(file, line);) {
        ++number;
        std::smatch match;
        const bool ours = std::regex_match(line, match, kInclude) &&
                          (kMayInclude.count(match[1]) || match[1] == "tests" || match[1] == "experiments");
        if (ours && !allowed.count(match[1]))
          out.push_back(fs::relative(entry.path(), root).string() + ":" + std::to_string(number) + ": " + line);
      }
    }
  }
  return out;
}

TEST(Layering, NoFileIncludesWhatItMayNot) {
  for (const std::string& violation : violations(DIFFVERB_SOURCE_DIR)) ADD_FAILURE() << violation;
}

TEST(Layering, TheSourcesAreWhereThisTestLooks) {
  EXPECT_TRUE(fs::exists(fs::path(DIFFVERB_SOURCE_DIR) / "core/error.h"));
  EXPECT_TRUE(fs::exists(fs::path(DIFFVERB_SOURCE_DIR) / "train/main.cpp"));
}

TEST(Layering, AViolationIsFound) {
  const Scratch scratch;
  for (const char* folder : {"core", "losses/deep", "models", "runtime", "train"})
    fs::create_directories(scratch / folder);
  write_text(scratch / "core/a.h", "#include \"core/error.h\"\n#include <vector>\n  #  include \"train/cli.h\"\n");
  write_text(scratch / "losses/deep/b.cpp", "#include \"models/fdn.h\"\n#include \"core/error.h\"\n");
  write_text(scratch / "models/c.cpp", "// #include \"losses/edc.h\"\n#include <torch/types.h>\n");
  write_text(scratch / "runtime/d.cpp", "#include \"core/error.h\"\n");
  write_text(scratch / "train/e.cpp", "#include \"tests/scratch.h\"\n#include \"runtime/engine.h\"\n");
  write_text(scratch / "train/notes.md", "#include \"tests/scratch.h\"\n");
  EXPECT_EQ(violations(scratch.path()), (std::vector<std::string>{
                                            "core/a.h:3:   #  include \"train/cli.h\"",
                                            "losses/deep/b.cpp:1: #include \"models/fdn.h\"",
                                            "runtime/d.cpp:1: #include \"core/error.h\"",
                                            "train/e.cpp:1: #include \"tests/scratch.h\"",
                                        }));
}

}  // namespace
}  // namespace diffverb
