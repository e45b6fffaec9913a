#include "datasets/response_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <numeric>
#include <thread>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "tests/scratch.h"
#include "tests/small_disk.h"

namespace diffverb {
namespace {

StoredResponse entry(const std::string& file, int channel = 0, const std::string& room = "hall") {
  StoredResponse r;
  r.file = file;
  r.channel = channel;
  r.room = room;
  r.rate_hz = 48000;
  return r;
}

std::vector<float> ramp(std::size_t count, float from) {
  std::vector<float> out(count);
  std::iota(out.begin(), out.end(), from);
  return out;
}

void fill(ResponseStoreWriter& writer) {
  StoredResponse first = entry("a.wav", 0, "Räume/1");
  first.licence = "CC-BY-4.0";
  first.source_m = {1, 2, 3};
  first.split = "test";
  writer.add(first, ramp(1000, 0));
  StoredResponse second = entry("a.wav", 1, "Räume/1");
  second.origin = "simulated";
  second.rate_hz = 16000;
  second.receiver_m = {-1, 0.5, 0};
  writer.add(second, ramp(1, 5));
  writer.add(entry("b.sofa#12"), ramp(500, 7));
  writer.set_note("settings", "rooms: 3\nseed: 1\n");
}

std::filesystem::path made(const Scratch& scratch, const std::string& name = "a.h5") {
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / name);
  fill(writer);
  writer.commit();
  return scratch / name;
}

TEST(ResponseStore, ReadsBackWhatWasWritten) {
  const Scratch scratch;
  const ResponseStore store = ResponseStore::open(made(scratch));
  EXPECT_EQ(scratch.file_count(), 1u);
  ASSERT_EQ(store.size(), 3u);
  const StoredResponse& a = store.at(0);
  EXPECT_EQ(a.file, "a.wav");
  EXPECT_EQ(a.room, "Räume/1");
  EXPECT_EQ(a.licence, "CC-BY-4.0");
  EXPECT_EQ(a.origin, "measured");
  EXPECT_EQ(a.split, "test");
  EXPECT_EQ(a.samples, 1000);
  EXPECT_EQ(a.hash, hash_of_samples(ramp(1000, 0)));
  ASSERT_TRUE(a.source_m);
  EXPECT_EQ(*a.source_m, (std::array<double, 3>{1, 2, 3}));
  EXPECT_FALSE(a.receiver_m);
  EXPECT_EQ(store.at(1).channel, 1);
  EXPECT_EQ(store.at(1).origin, "simulated");
  EXPECT_EQ(store.at(1).rate_hz, 16000);
  EXPECT_EQ(store.at(1).licence, "unknown");
  EXPECT_EQ(store.read(0), ramp(1000, 0));
  EXPECT_EQ(store.read(1), ramp(1, 5));
  std::vector<float> part(10);
  store.read(2, 490, part);
  EXPECT_EQ(part, ramp(10, 497));
  EXPECT_EQ(store.notes().at("settings"), "rooms: 3\nseed: 1\n");
  EXPECT_THROW(store.read(2, 491, part), ContractError);
  EXPECT_THROW(store.read(2, -1, part), ContractError);
  EXPECT_THROW(store.at(3), ContractError);
}

TEST(ResponseStore, TheSameResponsesMakeTheSameBytes) {
  const Scratch scratch;
  EXPECT_EQ(read_text(made(scratch, "a.h5")), read_text(made(scratch, "b.h5")));
}

TEST(ResponseStore, ThreadsReadAtOnce) {
  const Scratch scratch;
  const ResponseStore store = ResponseStore::open(made(scratch));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int k = 0; k < 4; ++k)
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) wrong += store.read(0) != ramp(1000, 0);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ResponseStore, EveryTruncatedFileIsRefused) {
  const Scratch scratch;
  const std::string whole = read_text(made(scratch));
  for (std::size_t size = 0; size < whole.size(); size += size + 100 < whole.size() ? 127 : 1) {
    write_text(scratch / "cut.h5", whole.substr(0, size));
    const std::string message = message_of<DataError>([&] { ResponseStore::open(scratch / "cut.h5"); });
    ASSERT_NE(message, "no error") << size;
    ASSERT_NE(message.find("cut.h5: "), std::string::npos) << message;
  }
}

TEST(ResponseStore, AFlippedByteNeverCrashes) {
  const Scratch scratch;
  const std::string whole = read_text(made(scratch));
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); i += 83) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(~flipped[i]);
    write_text(scratch / "b.h5", flipped);
    refused += message_of<DataError>([&] {
                 const ResponseStore store = ResponseStore::open(scratch / "b.h5");
                 for (std::size_t k = 0; k < store.size(); ++k) store.read(k);
               }) != "no error";
  }
  EXPECT_GT(refused, 0);
}

/// A file with everything that open() asks for, and one thing wrong.
template <class Change>
std::string message_with(const Scratch& scratch, const Change& change) {
  Hdf5File file = Hdf5File::create(scratch / "c.h5");
  file.set_attribute("/", "format", std::string("diffverb responses"));
  file.set_attribute("/", "version", std::string("1.7"));  // a newer minor version is read
  file.set_attribute("/", "notes", std::string());
  std::vector<std::int64_t> offset = {0, 10}, samples = {10, 10};
  std::vector<double> rate = {48000, 48000};
  std::vector<std::string> room = {"a", "b"}, origin = {"measured", "simulated"}, split = {"", "train"};
  std::size_t pool = 20;
  change(file, offset, samples, rate, room, origin, split, pool);
  file.write<std::int64_t>("responses/offset", offset, {2});
  file.write<std::int64_t>("responses/samples", samples, {2});
  file.write<double>("responses/rate_hz", rate, {rate.size()});
  file.write<std::int32_t>("responses/channel", {0, 0}, {2});
  file.write_text("responses/file", {"a.wav", "b.wav"});
  file.write_text("responses/room", room);
  file.write_text("responses/licence", {"MIT", "MIT"});
  file.write_text("responses/origin", origin);
  file.write_text("responses/split", split);
  file.write_text("responses/hash", {"", ""});
  file.write<double>("responses/source_m", std::vector<double>(6), {2, 3});
  file.write<double>("responses/receiver_m", std::vector<double>(6), {2, 3});
  if (pool) file.write<float>("samples", std::vector<float>(pool), {pool});
  file.commit();
  return message_of<DataError>([&] { ResponseStore::open(scratch / "c.h5"); });
}

TEST(ResponseStore, SaysWhatIsWrongWithAFile) {
  const Scratch scratch;
  const std::string path = (scratch / "c.h5").string() + ": ";
  const auto nothing = [](auto&&...) {};
  EXPECT_EQ(message_with(scratch, nothing), "no error");
  EXPECT_EQ(message_with(scratch, [](Hdf5File& f, auto&...) { f.set_attribute("/", "version", std::string("2.0")); }),
            path + "version 2.0 is newer than this program reads (1.0)");
  EXPECT_EQ(message_with(scratch, [](Hdf5File& f, auto&...) { f.set_attribute("/", "format", std::string("x")); }),
            path + "attribute 'format' is 'x', expected 'diffverb responses'");
  EXPECT_EQ(message_with(scratch, [](auto&, auto&, auto& samples, auto&...) { samples[1] = 11; }),
            path + "response 1: 11 samples from 10 on lie outside of 'samples', which has 20");
  EXPECT_EQ(message_with(scratch, [](auto&, auto& offset, auto&...) { offset[0] = -1; }),
            path + "response 0: 10 samples from -1 on lie outside of 'samples', which has 20");
  EXPECT_EQ(message_with(scratch, [](auto&, auto&, auto&, auto& rate, auto&...) { rate = {1}; }),
            path + "data set 'responses/rate_hz' has 1 entries, expected 2 as responses/offset has");
  EXPECT_EQ(message_with(scratch, [](auto&, auto&, auto&, auto&, auto& room, auto&...) { room[1] = ""; }),
            path + "response 1: it has no room");
  EXPECT_NE(message_with(scratch, [](auto&, auto&, auto&, auto&, auto&, auto&, auto&, auto& pool) { pool = 0; })
                .find("data set 'samples': not in the file"),
            std::string::npos);

  Hdf5File foreign = Hdf5File::create(scratch / "f.h5");
  foreign.write<float>("samples", {1}, {1});
  foreign.commit();
  EXPECT_NE(message_of<DataError>([&] {
              ResponseStore::open(scratch / "f.h5");
            }).find("an HDF5 file, but not a data file of responses"),
            std::string::npos);
  EXPECT_EQ(message_of<DataError>([&] { ResponseStore::open(scratch / "none.h5"); }),
            (scratch / "none.h5").string() + ": no such file");
}

TEST(ResponseStore, RewritesTheIndexAndKeepsTheSamples) {
  const Scratch scratch;
  const auto path = made(scratch);
  {
    const ResponseStore store = ResponseStore::open(path);
    auto responses = store.responses();
    for (auto& r : responses) r.split = "validation";
    store.rewrite(path, responses);
    responses.pop_back();
    EXPECT_THROW(store.rewrite(path, responses), ContractError);
  }
  const ResponseStore store = ResponseStore::open(path);
  EXPECT_EQ(store.at(2).split, "validation");
  EXPECT_EQ(store.read(0), ramp(1000, 0));
  EXPECT_EQ(store.notes().at("settings"), "rooms: 3\nseed: 1\n");
}

TEST(ResponseStoreWriter, LeavesNothingWithoutCommitAndOnAFullDisk) {
  const Scratch scratch;
  {
    ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
    fill(writer);
    EXPECT_GT(scratch.file_count(), 0u);
  }
  EXPECT_EQ(scratch.file_count(), 0u);
  {
    const SmallDisk small(8192);
    ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
    EXPECT_NE(message_of<DataError>([&] { writer.add(entry("a"), ramp(4000, 0)); }).find("cannot be written"),
              std::string::npos);
  }
  EXPECT_EQ(scratch.file_count(), 0u);
}

TEST(ResponseStoreWriter, RefusesWhatIsNoResponse) {
  const Scratch scratch;
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "a.h5");
  writer.add(entry("a"), ramp(2, 0));
  EXPECT_THROW(writer.add(entry("a"), ramp(2, 0)), ContractError);
  EXPECT_THROW(writer.add(entry("b"), {}), ContractError);
  EXPECT_THROW(writer.add(entry("b", 0, ""), ramp(2, 0)), ContractError);
  const std::vector<float> bad = {0, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(message_of<ContractError>([&] { writer.add(entry("b"), bad); }), "'b', channel 1: sample 1 is not finite");
  EXPECT_EQ(message_of<DataError>([&] { ResponseStoreWriter::create(scratch / "a.h5"); }),
            (scratch / "a.h5").string() + ": another process is writing it");
  EXPECT_EQ(message_of<DataError>([&] { ResponseStoreWriter::create(scratch / "e.h5").commit(); }),
            (scratch / "e.h5").string() + ": not written: no response to put into it");
}

TEST(ResponseStoreWriter, ResumesAfterAnyInterruption) {
  const Scratch scratch;
  const std::string expected = read_text(made(scratch, "whole.h5"));
  const auto path = scratch / "a.h5", pool = scratch / "a.h5.partial", index = scratch / "a.h5.partial.index";
  {
    ResponseStoreWriter writer = ResponseStoreWriter::resume(path, "key");
    fill(writer);
  }
  const std::string pool_bytes = read_text(pool), index_bytes = read_text(index);
  ASSERT_FALSE(index_bytes.empty());
  EXPECT_NE(message_of<DataError>([&] { ResponseStoreWriter::resume(path, "other"); }).find("other settings"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { ResponseStoreWriter::create(path); }).find("an interrupted set"),
            std::string::npos);
  const auto finish = [&](std::size_t pool_size, std::size_t index_size, std::size_t least) {
    write_text(pool, pool_bytes.substr(0, pool_size));
    write_text(index, index_bytes.substr(0, index_size));
    ResponseStoreWriter writer = ResponseStoreWriter::resume(path, "key");
    EXPECT_GE(writer.size(), least);
    ResponseStoreWriter again = ResponseStoreWriter::create(scratch / "again.h5");
    fill(again);
    const ResponseStore source = ResponseStore::open(scratch / "whole.h5");
    for (std::size_t i = writer.size(); i < again.size(); ++i) writer.add(again.responses()[i], source.read(i));
    writer.set_note("settings", "rooms: 3\nseed: 1\n");
    writer.commit();
    EXPECT_EQ(read_text(path), expected) << pool_size << " " << index_size;
  };
  finish(pool_bytes.size(), index_bytes.size(), 3);
  for (std::size_t size = 0; size < index_bytes.size(); size += 29) finish(pool_bytes.size(), size, 0);
  for (std::size_t size = 0; size < pool_bytes.size(); size += 501) finish(size, index_bytes.size(), 0);
  std::string holed = pool_bytes;
  holed[100] = 77;  // a power cut: the length is right, the samples are not
  write_text(pool, holed);
  write_text(index, index_bytes);
  EXPECT_EQ(ResponseStoreWriter::resume(path, "key").size(), 0u);
}

}  // namespace
}  // namespace diffverb
