// Files of today open in later versions, and sound the same: golden/README.md.
#include "golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "runtime/metadata.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"

namespace diffverb::runtime {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(DIFFVERB_SOURCE_DIR) / "tests/runtime/golden";

std::vector<std::uint8_t> bytes_of(const fs::path& path) {
  const FileBytes file = read_file(path, 1 << 20);
  EXPECT_EQ(file.error, "") << path;
  return file.bytes;
}

std::vector<fs::path> golden_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".safetensors" || extension == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(RuntimeGolden, NobodyChangedThem) {
  std::ifstream sums(kFolder / "SHA256SUMS");
  std::string hash, name;
  std::size_t count = 0;
  for (; sums >> hash >> name; ++count) {
    Sha256 sha;
    sha.update(bytes_of(kFolder / name));
    EXPECT_EQ(sha.hex(), hash) << name;
  }
  EXPECT_EQ(count, 2 * golden_files().size());
}

TEST(RuntimeGolden, EveryKindAndVersionIsThere) {
  std::set<std::string> seen;
  for (const fs::path& path : golden_files()) {
    const Container file = parse_container(bytes_of(path), true);
    if (file.ok()) seen.insert(file.metadata.at("kind") + " " + file.metadata.at("version"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"autoencoder 1.0", "delay_network 1.0", "delay_network 1.1",
                                         "delay_network 1.2", "response_bank 1.0", "waveform_autoencoder 1.0"}));
  // A version that is written has its file here.
  EXPECT_EQ(std::string(kNewestVersion), "1.2");
}

TEST(RuntimeGolden, EveryFilePlaysWhatItPlayed) {
  std::size_t count = 0;
  for (const fs::path& path : golden_files()) {
    const testing::GoldenSound sound = testing::play_golden(std::span<const std::uint8_t>(bytes_of(path)));
    ASSERT_EQ(sound.error, "") << path;
    const std::vector<std::uint8_t> stored = bytes_of(path.string() + ".f32");
    std::vector<float> expected(stored.size() / sizeof(float));
    std::memcpy(expected.data(), stored.data(), stored.size());
    ASSERT_EQ(sound.samples.size(), expected.size()) << path;
    float peak = 0, error = 0;
    for (std::size_t n = 0; n < expected.size(); ++n) {
      peak = std::max(peak, std::abs(expected[n]));
      error = std::max(error, std::abs(expected[n] - sound.samples[n]));
    }
    EXPECT_GT(peak, 1e-3f) << path;
    EXPECT_LE(error, 1e-6f * peak) << path;
    ++count;
  }
  EXPECT_GE(count, 12u);
}

/// The golden file with another version, and one metadata entry more, as a later writer may add.
std::string reason_of_version(const char* name, const std::string& version) {
  const auto bytes = bytes_of(kFolder / name);
  Container file = parse_container(bytes, true);
  file.metadata["version"] = version;
  file.metadata["room_name"] = "of a later version";
  const SerializedContainer changed = serialize_container(file.tensors, file.metadata);
  EXPECT_EQ(changed.error, "");
  return testing::play_golden(std::span<const std::uint8_t>(changed.bytes)).error;
}

TEST(RuntimeGolden, ANewerMinorVersionIsReadAndANewerMajorOneRefused) {
  for (const char* name : {"delay_network_1.0.safetensors", "terms_1.2.safetensors", "response_bank_1.0.safetensors",
                           "autoencoder_1.0.safetensors", "waveform_autoencoder_1.0.safetensors"}) {
    EXPECT_EQ(reason_of_version(name, "1.9"), "") << name;
    EXPECT_NE(reason_of_version(name, "2.0").find("version 2.0 is newer than what this program reads (1.2)"),
              std::string::npos)
        << name;
  }
}

TEST(RuntimeGolden, ATensorOfANewerVersionIsRefusedByName) {
  const auto bytes = bytes_of(kFolder / "delay_network_1.0.safetensors");
  Container file = parse_container(bytes, true);
  file.metadata["version"] = "1.9";
  file.tensors["doppler"] = file.tensors.at("B");
  const SerializedContainer changed = serialize_container(file.tensors, file.metadata);
  ASSERT_EQ(changed.error, "");
  EXPECT_EQ(load_model(std::span<const std::uint8_t>(changed.bytes)).error, "the tensor 'doppler' is unknown");
}

}  // namespace
}  // namespace diffverb::runtime
