#include "core/files_together.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

TEST(FilesTogether, TakeTheirNamesAllAtOnce) {
  const Scratch scratch;
  write_file_atomically(scratch / "b", "old");
  FilesTogether files;
  write_file_atomically(files.stage(scratch / "a"), "one");
  write_file_atomically(files.stage(scratch / "b"), "two");
  EXPECT_FALSE(std::filesystem::exists(scratch / "a"));
  EXPECT_EQ(read_file(scratch / "b"), "old");
  files.commit();
  EXPECT_EQ(read_file(scratch / "a"), "one");
  EXPECT_EQ(read_file(scratch / "b"), "two");
  EXPECT_EQ(scratch.file_count(), 2u);
}

TEST(FilesTogether, LeaveNothingWhereTheyWereNotCommitted) {
  const Scratch scratch;
  {
    FilesTogether files;
    write_file_atomically(files.stage(scratch / "a"), "one");
  }
  EXPECT_EQ(scratch.file_count(), 0u);
}

TEST(FilesTogether, LeaveNothingWhereOneCannotTakeItsName) {
  const Scratch scratch;
  FilesTogether files;
  write_file_atomically(files.stage(scratch / "a"), "one");
  write_file_atomically(files.stage(scratch / "b"), "two");
  make_folder(scratch / "a");  // came in the way meanwhile
  EXPECT_THROW(files.commit(), DataError);
  EXPECT_FALSE(std::filesystem::exists(scratch / "b"));
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(FilesTogether, NameThePathThatWasAskedFor) {
  const Scratch scratch;
  FilesTogether files;
  make_folder(scratch / "folder");
  EXPECT_EQ(message_of<DataError>([&] { files.stage(scratch / "none/a"); }),
            (scratch / "none/a").string() + ": cannot be written: No such file or directory");
  EXPECT_EQ(message_of<DataError>([&] { files.stage(scratch / "folder"); }),
            (scratch / "folder").string() + ": is a folder, expected a file to write");
  EXPECT_EQ(files.stage("/dev/null"), "/dev/null");
  files.commit();
}

}  // namespace
}  // namespace diffverb
