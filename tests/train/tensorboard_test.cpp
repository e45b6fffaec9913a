#include "train/training/tensorboard.h"

#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>

#include "core/error.h"
#include "tests/scratch.h"
#include "train/training/training_samples.h"

namespace diffverb {
namespace {

std::uint64_t number_at(const std::string& bytes, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = size - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(i)));
  return value;
}

std::uint32_t masked(const std::string& bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

/// Takes the file apart as a reader does: checks both checksums of each record.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = static_cast<std::size_t>(number_at(bytes, at, 8));
    EXPECT_EQ(number_at(bytes, at + 8, 4), masked(bytes.substr(at, 8)));
    out.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number_at(bytes, at + 12 + length, 4), masked(out.back()));
    at += length + 16;
  }
  return out;
}

TEST(TensorBoard, ChecksumGivesThePublishedValue) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
}

TEST(TensorBoard, RecordsHoldVersionThenScalars) {
  const Scratch scratch;
  std::filesystem::path path;
  {
    EventWriter writer(scratch.path());
    writer.scalar("loss", 2.5, 300);
    path = writer.path();
  }
  EXPECT_EQ(path.filename().string().rfind("events.out.tfevents.", 0), 0u);
  const std::vector<std::string> all = records(read_text(path));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].find("brain.Event:2"), std::string::npos);
  // wall_time (1, double), step (2, varint 300 = ac 02), summary (5) { value (1) { tag (1), simple_value (2, float) } }
  const std::string expected =
      std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15") + std::string("\x00\x00\x20\x40", 4);
  EXPECT_EQ(all[1].substr(0, 1), "\x09");
  EXPECT_EQ(all[1].substr(9), expected);
}

/// TensorBoard shows the first kind of value that it meets under a tag, and no other.
TEST(TensorBoard, PicturesAndSoundsOfAnExampleHaveTagsOfTheirOwn) {
  const Scratch scratch;
  std::filesystem::path path;
  {
    EventWriter writer(scratch.path());
    path = writer.path();
    const Response response(at::rand({1, 1, 4000}), 8000);
    show_samples(writer, response, response, 1, 5);
  }
  std::map<std::string, int> kinds;
  for (const std::string& record : records(read_text(path))) {
    for (const char* name : {"example_0/target", "example_0/output"}) {
      const std::size_t at = record.find(name);
      if (at == std::string::npos) continue;
      // value { tag (1, length before it), image (4) or audio (6) }
      const std::size_t length = number_at(record, at - 1, 1);
      const std::string tag = record.substr(at, length);
      const int field = static_cast<unsigned char>(record[at + length]) >> 3;
      EXPECT_TRUE(kinds.emplace(tag, field).second) << tag;
    }
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"example_0/target", 4},
                                               {"example_0/target_sound", 6},
                                               {"example_0/output", 4},
                                               {"example_0/output_sound", 6}}));
}

TEST(TensorBoard, AFolderThatIsNotThereIsNamed) {
  const Scratch scratch;
  EXPECT_THROW(EventWriter(scratch / "no"), DataError);
}

}  // namespace
}  // namespace diffverb
