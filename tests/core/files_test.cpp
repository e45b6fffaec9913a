#include "core/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"

namespace diffverb {
namespace {

TEST(WriteFileAtomically, WritesAndReplaces) {
  const Scratch scratch;
  write_file_atomically(scratch / "a", "one");
  write_file_atomically(scratch / "a", std::string("two\0three", 9));
  EXPECT_EQ(read_file(scratch / "a"), std::string("two\0three", 9));
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(WriteFileAtomically, AFullDiskLeavesTheOldFileAndNothingElse) {
  const Scratch scratch;
  write_file_atomically(scratch / "a", "old");
  std::string message;
  {
    const SmallDisk small(1000);
    message = message_of<DataError>([&] { write_file_atomically(scratch / "a", std::string(100000, 'x')); });
  }
  EXPECT_EQ(message, (scratch / "a").string() + ": cannot be written: File too large");
  EXPECT_EQ(read_file(scratch / "a"), "old");
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(WriteFileAtomically, NamesAFolderThatIsNotThereOrInTheWay) {
  const Scratch scratch;
  EXPECT_EQ(message_of<DataError>([&] { write_file_atomically(scratch / "no/a", "x"); }),
            (scratch / "no/a").string() + ": cannot be written: No such file or directory");
  EXPECT_NE(message_of<DataError>([&] { write_file_atomically(scratch.path(), "x"); }), "no error");
}

TEST(WriteFileAtomically, WritesToADeviceWithoutReplacingIt) {
  write_file_atomically("/dev/null", "x");
  struct stat status {};
  ASSERT_EQ(stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  EXPECT_EQ(message_of<DataError>([] { write_file_atomically("/dev/full", "x"); }),
            "/dev/full: cannot be written: No space left on device");
}

TEST(WriteFileAtomically, GivesAFileTheModeOfANewOneAndLeavesTheUmaskAlone) {
  const Scratch scratch;
  const auto mode = [&](const char* name) {
    struct stat status {};
    ::stat((scratch / name).c_str(), &status);
    return status.st_mode & 0777U;
  };
  const mode_t before = ::umask(027);
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) write_file_atomically(scratch / "a", "x");
    over = true;
  });
  unsigned widest = 0;  // of files that another thread makes meanwhile
  while (!over) {
    std::ofstream(scratch / "b").close();
    widest |= mode("b");
    std::filesystem::remove(scratch / "b");
  }
  writer.join();
  ::umask(before);
  EXPECT_EQ(mode("a"), 0640U);
  EXPECT_EQ(widest & ~0640U, 0U);
}

TEST(ReadFile, NamesWhatIsWrong) {
  const Scratch scratch;
  EXPECT_EQ(message_of<DataError>([&] { read_file(scratch / "a"); }), (scratch / "a").string() + ": no such file");
  EXPECT_EQ(message_of<DataError>([&] { read_file(scratch.path()); }),
            scratch.path().string() + ": is a folder, expected a file");
  write_text(scratch / "a", "12345");
  EXPECT_NE(message_of<DataError>([&] { read_file(scratch / "a", 4); }), "no error");
}

}  // namespace
}  // namespace diffverb
