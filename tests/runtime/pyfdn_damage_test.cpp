// pyFDN's JSON, damaged or wrong: each is refused with its key, the place and what was expected, and none may crash the
// loader.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>

#include "networks.h"
#include "pyfdn_builds.h"
#include "runtime/metadata.h"
#include "runtime/pyfdn_file.h"
#include "runtime/pyfdn_network.h"
#include "runtime/render.h"
#include "tests/scratch.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;
using testing::full_build;
using testing::load_text;

using Fields = std::map<std::string, std::string>;

Fields good_fields() {
  return {{"format", "\"pyfdn-fdn-build\""},
          {"version", "2"},
          {"feedback_matrix", "[[0.4, 0.3], [-0.3, 0.4]]"},
          {"input_matrix", "[[1.0], [0.5]]"},
          {"output_matrix", "[[0.7, -0.2], [0.1, 0.6], [1, 1]]"},
          {"direct_matrix", "[[0.25], [0.0], [0]]"},
          {"delays", "[31, 47]"},
          {"sample_rate", "48000.0"},
          {"post_delay", "[[[0.9, 0.8], [0, 0], [0, 0], [1, 1], [-0.05, 0.1], [0, 0]]]"},
          {"post_matrix", "null"},
          {"post_output", "null"}};
}

std::string text_of(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) text += (text.empty() ? "{\"" : ",\n\"") + key + "\": " + value;
  return text + "}";
}

/// The reason against the good text with one key's value exchanged.
std::string reason_with(const std::string& key, const std::string& value) {
  Fields fields = good_fields();
  fields[key] = value;
  return load_text(text_of(fields)).error;
}

TEST(RuntimePyfdnDamage, BuildsAndPresetsAreTakenAsPyfdnTakesThem) {
  const std::string build = text_of(good_fields());
  EXPECT_EQ(load_text(build).error, "");
  EXPECT_EQ(load_text(" \n\t" + build + "\n").error, "");
  const LoadResult preset =
      load_text(R"({"metadata": {"name": "x"}, "design": {"delays": {"type": "uniform"}}, "build": )" + build + "}");
  ASSERT_EQ(preset.error, "");
  EXPECT_EQ(preset.model->network.provenance, R"({"name":"x"})");
  EXPECT_EQ(preset.model->network.outputs, 3);
  Fields fields = good_fields();
  for (const char* key : {"post_delay", "post_matrix", "post_output"}) fields.erase(key);
  fields["more"] = R"({"of": [1, "x", null, {"y": true}]})";
  fields["version"] = "2.0";
  fields["delays"] = "[[31.0], [47]]";  // NumPy flattens them
  EXPECT_EQ(load_text(text_of(fields)).error, "");
  EXPECT_EQ(reason_with("metadata", "[1]"), "");
  // Sections are divided by a0, as pyFDN's frequency-domain route does.
  const LoadResult scaled = load_text(text_of([] {
    Fields f = good_fields();
    f["post_delay"] = "[[[1.8, 0.8], [0, 0], [0, 0], [2, 1], [-0.1, 0.1], [0, 0]]]";
    return f;
  }()));
  ASSERT_EQ(scaled.error, "");
  EXPECT_EQ(scaled.model->network.line_sos, load_text(build).model->network.line_sos);
}

TEST(RuntimePyfdnDamage, EveryKeyIsChecked) {
  for (const auto& [key, value] : good_fields()) {
    Fields fields = good_fields();
    fields.erase(key);
    const std::string error = load_text(text_of(fields)).error;
    if (key.rfind("post_", 0) == 0)
      EXPECT_EQ(error, "") << key;
    else
      EXPECT_EQ(error.rfind(key + " is missing", 0), 0u) << error;
    for (const char* wrong : {"true", "\"x\"", "{}", "[]", "[[]]", "[[[1]]]", "[\"x\"]", "[[null]]", "-1"})
      EXPECT_EQ(reason_with(key, wrong).rfind(key, 0), 0u) << key << ": " << wrong << ": " << reason_with(key, wrong);
  }
  EXPECT_EQ(reason_with("format", "\"x\""), "format is 'x', expected \"pyfdn-fdn-build\"");
  EXPECT_EQ(reason_with("format", "\"x\\ny\""), "format is 'x y', expected \"pyfdn-fdn-build\"");
  EXPECT_EQ(reason_with("version", "3"), "version is 3, expected 2");
  EXPECT_EQ(reason_with("sample_rate", "0"), "sample_rate is 0, expected 8000 to 768000");
  EXPECT_EQ(reason_with("feedback_matrix", "[]"), "feedback_matrix has shape [0], expected [N, N], N from 1 to 256");
  EXPECT_EQ(reason_with("feedback_matrix", "[[1, 2]]"), "feedback_matrix has shape [1, 2], expected [N, N]");
  EXPECT_EQ(reason_with("feedback_matrix", "[[0.4, 0.3], [-0.3]]"), "feedback_matrix[1] has 1 entries, expected 2");
  EXPECT_EQ(reason_with("feedback_matrix", "[[0.4, 0.3], [-0.3, [1]]]"),
            "feedback_matrix[1][1] is a list, expected a number");
  EXPECT_EQ(reason_with("feedback_matrix", "[[0.4, 1e7], [-0.3, 0.4]]"),
            "feedback_matrix[0][1] is 10000000.0, expected at most 1000000.0");
  EXPECT_EQ(reason_with("input_matrix", "[[1]]"), "input_matrix has shape [1, 1], expected [2, inputs], a row a line");
  EXPECT_EQ(reason_with("output_matrix", "[[1]]"),
            "output_matrix has shape [1, 1], expected [outputs, 2], a column a line");
  EXPECT_EQ(reason_with("direct_matrix", "[[0]]"),
            "direct_matrix has shape [1, 1], expected [3, 1], outputs and inputs");
  EXPECT_EQ(reason_with("delays", "[31, -47]"), "delays[1] is -47.0, expected whole samples, 1 to 4194304");
  EXPECT_EQ(reason_with("delays", "[31.5, 47]"), "delays[0] is 31.5, expected whole samples, 1 to 4194304");
  EXPECT_EQ(reason_with("delays", "[31, 1e300]"), "delays[1] is 1e+300, expected whole samples, 1 to 4194304");
  EXPECT_EQ(reason_with("delays", "[31]"), "delays has 1 entries, expected 2, one a line");
  EXPECT_EQ(
      reason_with("post_matrix", "[[[1, 1]]]"),
      "post_matrix has shape [1, 1, 2], expected [sections, 6, 2]: 1 to 256 sections, six coefficients, a cascade "
      "a line");
}

TEST(RuntimePyfdnDamage, FiltersAreChecked) {
  EXPECT_EQ(reason_with("post_delay", "[[[1, 1], [0, 0], [0, 0], [1, 0], [0, 0], [0, 0]]]"),
            "post_delay[0][3][1] (a0) is 0, expected 1");
  EXPECT_EQ(reason_with("post_delay", "[[[1, 1], [0, 0], [0, 0], [1, 1e-300], [0, 0], [0, 0]]]"),
            "post_delay[0][3][1] (a0) is too small, expected 1");
  EXPECT_EQ(reason_with("post_matrix", "[[[1, 1], [0, 0], [0, 0], [1, 1], [0, 0], [0, 1.01]]]"),
            "post_matrix[0][:][1] is not a stable filter, expected poles within the unit circle");
  EXPECT_EQ(reason_with("post_output", "[[[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1], [-1, 0, 0], [0, 0, 0]]]"),
            "post_output[0][:][0] is not a stable filter, expected poles within the unit circle");
  EXPECT_NE(reason_with("post_delay", "[[[9, 9], [0, 0], [0, 0], [1, 1], [0, 0], [0, 0]]]").find("is not stable"),
            std::string::npos);
}

TEST(RuntimePyfdnDamage, WhatIsNoNumberIsSaidWithItsKey) {
  for (const char* value : {"NaN", "Infinity", "-Infinity"})
    EXPECT_EQ(reason_with("delays", std::string("[31, ") + value + "]"),
              "'delays' holds " + std::string(value[0] == '-' ? value + 1 : value) + ", expected finite numbers");
  EXPECT_EQ(reason_with("input_matrix", "[[1e999], [0]]"),
            "'input_matrix' holds a number beyond double precision, expected at most 1e6");
  EXPECT_EQ(reason_with("version", "2 2").rfind("not JSON at byte ", 0), 0u);
  EXPECT_NE(reason_with("version", "2 2").find(", in 'version'"), std::string::npos);
}

TEST(RuntimePyfdnDamage, DepthAndSizeAreBounded) {
  for (const char* key : {"feedback_matrix", "metadata"}) {
    for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
      std::string deep;
      for (int i = 0; i < 200000; ++i) deep += open;
      deep += "1";
      for (int i = 0; i < 200000; ++i) deep += close;
      EXPECT_EQ(reason_with(key, deep).rfind("more than 64 levels of lists and objects", 0), 0u);
    }
  }
  EXPECT_NE(load_text(std::string(1 << 20, '[')).error, "");
  EXPECT_EQ(load_text(std::string((16u << 20) + 1, '[')).error, "larger than 16 MiB");
  std::string wide = "[[0";
  for (int i = 0; i < 300; ++i) wide += ",0";
  EXPECT_EQ(reason_with("feedback_matrix", wide + "]]"),
            "feedback_matrix has shape [1, 301], expected [N, N], N from 1 to 256");
  PyfdnBuild build = full_build();
  build.lines = 200;
  build.A.assign(200 * 200, 0.001), build.B.assign(400, 1), build.C.assign(600, 1), build.delays.assign(200, 50);
  build.post_delay = {};
  build.post_matrix = testing::cuts(200, 1, 1);
  EXPECT_EQ(load_text(format_pyfdn(build)).error,
            "post_matrix: with its filters the network has 400 lines, expected at most 256");
}

TEST(RuntimePyfdnDamage, EveryTruncationIsRefused) {
  const std::string good = format_pyfdn(full_build());
  for (std::size_t length = 0; length + 2 < good.size(); length += length < 200 ? 1 : 13)
    EXPECT_NE(load_text(good.substr(0, length)).error, "") << length;
  EXPECT_EQ(load_text(good.substr(0, good.find("\"delays\"") + 12)).error.rfind("not JSON: it ends after ", 0), 0u);
  EXPECT_NE(load_text(good + "x").error, "");
}

TEST(RuntimePyfdnDamage, DamagedTextIsRefusedOrPlayedButNeverCrashes) {
  const std::string good = text_of(good_fields());
  std::mt19937 random(1);
  const std::string letters = "0123456789[]{},:.-+eE\"nulNtrue \\\xff\x01";
  int taken = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bad = good;
    for (unsigned k = 0; k < 1 + random() % 3; ++k) bad[random() % bad.size()] = letters[random() % letters.size()];
    const LoadResult loaded = load_text(bad);
    if (!loaded) continue;
    ++taken;
    for (const auto& channel : render_impulse(loaded.model, 0.002)) {
      for (const float y : channel) ASSERT_TRUE(std::isfinite(y)) << bad;
    }
  }
  EXPECT_GT(taken, 100);  // another digit is another network
  EXPECT_LT(taken, 3000);
}

TEST(RuntimePyfdnDamage, FilesAreToldByContentAndName) {
  const Scratch scratch;
  const fs::path& folder = scratch.path();
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
    return folder / name;
  };
  const fs::path plain = write("build.txt", "\n" + text_of(good_fields())), empty = write("empty.json", ""),
                 other = write("other.json", "{\"x\": 1}"), list = write("list.json", "[1]");
  EXPECT_EQ(load_model(plain).error, "");
  EXPECT_EQ(kind_of_file(plain), kDelayNetwork);
  EXPECT_EQ(load_model(empty).error, "not JSON: it ends after 0 bytes");
  EXPECT_EQ(load_model(other).error, "format is missing, expected \"pyfdn-fdn-build\"");
  EXPECT_EQ(load_model(list).error, "the document is a list, expected an object");
  EXPECT_EQ(kind_of_file(other), "");
  EXPECT_EQ(load_model(folder / "none.json").error, "no such file");
  const fs::path weights = folder / "x.safetensors";
  ASSERT_EQ(write_weights(weights, testing::random_network({}, 1)), "");
  EXPECT_FALSE(is_json_file(weights));
  EXPECT_EQ(kind_of_file(weights), kDelayNetwork);
}

}  // namespace
}  // namespace diffverb::runtime
