#include "core/hdf5_file.h"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include "core/error.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"

namespace diffverb {
namespace {

std::filesystem::path made(const Scratch& scratch) {
  Hdf5File file = Hdf5File::create(scratch / "a.h5");
  file.write<float>("ir/data", {1, 2, 3, 4, 5, 6}, {3, 2});
  file.write<double>("rate", {48000}, {});
  file.write<std::int64_t>("ids", {5, 7}, {2});
  file.write<float>("none", {}, {0, 4});
  file.set_attribute("/", "title", std::string("Räume"));
  file.set_attribute("ir/data", "rate_hz", 48000.0);
  file.commit();
  return scratch / "a.h5";
}

TEST(Hdf5File, ReadsBackArraysShapesAndAttributes) {
  const Scratch scratch;
  const Hdf5File file = Hdf5File::open(made(scratch));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"ids", "ir", "none", "rate"}));
  EXPECT_EQ(file.shape("ir/data"), (std::vector<std::size_t>{3, 2}));
  EXPECT_EQ(file.read<float>("ir/data"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.read<double>("ir/data"), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.read_rows<float>("ir/data", 1, 1), (std::vector<float>{3, 4}));
  EXPECT_EQ(file.read<double>("rate"), std::vector<double>{48000});
  EXPECT_EQ(file.read<std::int64_t>("ids"), (std::vector<std::int64_t>{5, 7}));
  EXPECT_TRUE(file.read<float>("none").empty());
  EXPECT_EQ(file.string_attribute("/", "title"), "Räume");
  EXPECT_EQ(file.number_attribute("ir/data", "rate_hz"), 48000);
  EXPECT_TRUE(file.has("ir/data"));
  EXPECT_FALSE(file.has("ir/dates"));
  EXPECT_FALSE(file.has("no/data"));
}

TEST(Hdf5File, NamesPathAndDataSetOfWhatIsWrong) {
  const Scratch scratch;
  const Hdf5File file = Hdf5File::open(made(scratch));
  const std::string path = (scratch / "a.h5").string();
  EXPECT_EQ(message_of<DataError>([&] { file.read<float>("rte"); }),
            path + ": data set 'rte': not in the file, did you mean 'rate'? known: ids, ir, none, rate");
  EXPECT_EQ(message_of<DataError>([&] { file.read<std::int64_t>("rate"); }),
            path + ": data set 'rate': holds real numbers, expected integers");
  EXPECT_EQ(message_of<DataError>([&] {
              file.check_shape("ir/data", {0, 3});
            }),
            path + ": data set 'ir/data': shape is [3, 2], expected [any, 3]");
  EXPECT_EQ(message_of<DataError>([&] { file.read_rows<float>("ir/data", 2, 2); }),
            path + ": data set 'ir/data': rows 2 to 4 asked for, it has 3");
  EXPECT_EQ(message_of<DataError>([&] { file.string_attribute("/", "titel"); }),
            path + ": attribute 'titel' of '/': not in the file");
  EXPECT_EQ(message_of<DataError>([&] { file.number_attribute("/", "title"); }),
            path + ": attribute 'title' of '/': is not a number");
  EXPECT_NE(message_of<DataError>([&] { file.read<float>("ir"); }), "no error");
  file.check_shape("ir/data", {0, 2});
}

TEST(Hdf5File, RefusesFilesThatAreMissingOtherOrTruncatedAndPrintsNothing) {
  const Scratch scratch;
  testing::internal::CaptureStderr();
  EXPECT_EQ(message_of<DataError>([&] { Hdf5File::open(scratch / "b.h5"); }),
            (scratch / "b.h5").string() + ": no such file");
  write_text(scratch / "b.h5", "no HDF5 in here");
  EXPECT_EQ(message_of<DataError>([&] { Hdf5File::open(scratch / "b.h5"); }),
            (scratch / "b.h5").string() + ": not an HDF5 file");
  const std::string whole = read_text(made(scratch));
  write_text(scratch / "b.h5", whole.substr(0, whole.size() / 2));
  EXPECT_NE(message_of<DataError>([&] { Hdf5File::open(scratch / "b.h5"); }).find("truncated"), std::string::npos);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Hdf5File, IsNotRenamedOverAPipeOrADevice) {
  const Scratch scratch;
  ASSERT_EQ(::mkfifo((scratch / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of<DataError>([&] { Hdf5File::create(scratch / "pipe"); }),
            (scratch / "pipe").string() + ": is not a regular file, expected a file to write");
  EXPECT_EQ(scratch.file_count(), 1u);
}

TEST(Hdf5File, EveryTruncatedOrFlippedFileIsReadOrRefusedButNeverCrashes) {
  const Scratch scratch;
  const std::string whole = read_text(made(scratch));
  const auto read_all = [&] {
    const Hdf5File file = Hdf5File::open(scratch / "b.h5");
    file.read<float>("ir/data");
    file.string_attribute("/", "title");
  };
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); i += 37) {
    write_text(scratch / "b.h5", whole.substr(0, i));
    EXPECT_NE(message_of<DataError>(read_all), "no error") << "truncated at " << i;
    std::string flipped = whole;
    flipped[i] = static_cast<char>(~flipped[i]);
    write_text(scratch / "b.h5", flipped);
    refused += message_of<DataError>(read_all) != "no error";
  }
  EXPECT_GT(refused, 0);
}

TEST(Hdf5File, WithoutCommitNothingIsLeft) {
  const Scratch scratch;
  {
    Hdf5File file = Hdf5File::create(scratch / "a.h5");
    file.write<float>("x", {1}, {1});
    EXPECT_EQ(scratch.file_count(), 1u);
    EXPECT_THROW(file.write<float>("y", {1}, {2}), ContractError);
  }
  EXPECT_EQ(scratch.file_count(), 0u);
  const Hdf5File open = Hdf5File::open(made(scratch));
  EXPECT_THROW(const_cast<Hdf5File&>(open).write<float>("z", {1}, {1}), ContractError);
}

TEST(Hdf5File, AFullDiskIsReportedAndLeavesNothing) {
  const Scratch scratch;
  std::string message;
  {
    const SmallDisk small(4096);
    message = message_of<DataError>([&] {
      Hdf5File file = Hdf5File::create(scratch / "a.h5");
      file.write<float>("x", std::vector<float>(100000), {100000});
      file.commit();
    });
  }
  EXPECT_EQ(message, (scratch / "a.h5").string() + ": data set 'x': cannot be written: File too large");
  EXPECT_EQ(scratch.file_count(), 0u);
  {
    const SmallDisk full(50);  // less than HDF5 writes when it makes a file
    message = message_of<DataError>([&] { Hdf5File::create(scratch / "a.h5"); });
  }
  EXPECT_EQ(message, (scratch / "a.h5").string() + ": cannot be written: File too large");
  EXPECT_EQ(scratch.file_count(), 0u);
}

TEST(Hdf5File, ReadsBigEndianAndCompressedDataAndVariableLengthText) {
  const Scratch scratch;
  const hid_t file = H5Fcreate((scratch / "c.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t lengths[1] = {1000};
  const hid_t space = H5Screate_simple(1, lengths, nullptr);
  const hid_t options = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(options, 1, lengths);
  H5Pset_deflate(options, 6);
  const hid_t set = H5Dcreate2(file, "x", H5T_IEEE_F64BE, space, H5P_DEFAULT, options, H5P_DEFAULT);
  std::vector<double> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.5 * static_cast<double>(i);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  const hid_t scalar = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(set, "Units", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
  const char* metre = "metre";
  H5Awrite(attribute, text, &metre);
  const hid_t none = H5Screate(H5S_NULL);
  const hid_t empty = H5Acreate2(set, "Comment", H5T_C_S1, none, H5P_DEFAULT, H5P_DEFAULT);
  H5Aclose(empty);
  H5Sclose(none);
  H5Aclose(attribute);
  H5Sclose(scalar);
  H5Tclose(text);
  H5Dclose(set);
  H5Pclose(options);
  H5Sclose(space);
  H5Fclose(file);
  const Hdf5File read = Hdf5File::open(scratch / "c.h5");
  EXPECT_EQ(read.read<double>("x"), values);
  EXPECT_EQ(read.string_attribute("x", "Units"), "metre");
  EXPECT_EQ(read.string_attribute("x", "Comment"), "");
}

}  // namespace
}  // namespace diffverb
