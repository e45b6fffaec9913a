// The LV2 bundles as they lie on the disk.
#include <cstdlib>

#include "tests/plugin/formats.h"
#include "tests/program.h"

namespace diffverb::hosts {
namespace {

std::filesystem::path bundle(const std::string& name) {
  return std::filesystem::path(DIFFVERB_PLUGIN_DIR) / (name + ".lv2");
}

TEST(Lv2Bundle, IsValidToLv2Validate) {
  const std::filesystem::path validate = "/usr/bin/lv2_validate";
  if (!std::filesystem::exists(validate)) GTEST_SKIP() << "no lv2_validate (Debian packages lv2-dev and sordi)";
  const Scratch scratch;
  for (const char* name : {"diffverb-reverb", "diffverb-reverb-mono"}) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(bundle(name))) {
      if (entry.path().extension() == ".ttl") files.push_back(entry.path().string());
    }
    EXPECT_GE(files.size(), 3U);
    Program run(validate, files, scratch.path());
    EXPECT_EQ(run.wait(), 0) << run.err() << run.out();
    EXPECT_NE((run.out() + run.err()).find("Found 0 errors"), std::string::npos) << run.out() << run.err();
  }
}

TEST(Lv2Bundle, AsksOnlyForUrisOfAHost) {
  for (const char* name : {"diffverb-reverb", "diffverb-reverb-mono"}) {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(bundle(name))) {
      if (entry.path().extension() == ".ttl" && entry.path().stem().string().starts_with("diffverb"))
        text += read_text(entry.path());
    }
    const std::size_t at = text.find("lv2:requiredFeature");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(text.substr(at, text.find(';', at) - at), "lv2:requiredFeature <http://lv2plug.in/ns/ext/urid#map> ");
    EXPECT_EQ(text.find("lv2:requiredFeature", at + 1), std::string::npos);
  }
}

#ifndef DIFFVERB_LILV
TEST(Lv2Host, PlaysTheBundles) {
  GTEST_SKIP() << "no LV2 host was built: lilv is missing (Debian package liblilv-dev)";
}
#endif

}  // namespace
}  // namespace diffverb::hosts
