#include "core/files_together.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

auto text(const std::string& content) {
  return [=](const std::filesystem::path& at) { write_file_atomically(at, content); };
}

TEST(FilesTogether, TakeTheirNamesAllAtOnce) {
  const Scratch scratch;
  write_file_atomically(scratch / "b", "old");
  FilesTogether files;
  files.write(scratch / "a", text("one"));
  files.write(scratch / "b", text("two"));
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
    files.write(scratch / "a", text("one"));
  }
  EXPECT_EQ(scratch.file_count(), 0u);
}

TEST(FilesTogether, LeaveNothingWhereOneCannotTakeItsName) {
  const Scratch scratch;
  FilesTogether files;
  files.write(scratch / "a", text("one"));
  files.write(scratch / "b", text("two"));
  make_folder(scratch / "a");  // came in the way meanwhile
  EXPECT_THROW(files.commit(), DataError);
  EXPECT_FALSE(std::filesystem::exists(scratch / "b"));
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(FilesTogether, NameThePathThatWasAskedFor) {
  const Scratch scratch;
  FilesTogether files;
  make_folder(scratch / "folder");
  EXPECT_EQ(message_of<DataError>([&] { files.write(scratch / "none/a", text("")); }),
            (scratch / "none/a").string() + ": cannot be written: No such file or directory");
  EXPECT_EQ(message_of<DataError>([&] { files.write(scratch / "folder", text("")); }),
            (scratch / "folder").string() + ": is a folder, expected a file to write");
  EXPECT_EQ(message_of<DataError>([&] { files.write("/dev/full", text("x")); }),
            "/dev/full: cannot be written: No space left on device");
  const auto fails = [](const std::filesystem::path& at) { throw DataError(at.string() + ": is not to be"); };
  EXPECT_EQ(message_of<DataError>([&] { files.write(scratch / "a", fails); }),
            (scratch / "a").string() + ": is not to be");
  files.commit();
}

}  // namespace
}  // namespace diffverb
