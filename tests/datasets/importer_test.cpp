#include "datasets/importer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/hdf5_file.h"
#include "datasets/licence.h"
#include "datasets/manifest.h"
#include "tests/datasets/stores.h"
#include "tests/scratch.h"
#include "tests/shared_data.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

void write_room(const fs::path& path, std::uint64_t seed, int channels = 1) {
  fs::create_directories(path.parent_path());
  NoiseRoom room;
  room.seed = seed;
  room.channels = channels;
  room.seconds = 0.2;
  write_audio(path, room.audio());
}

void write_sofa(const fs::path& path) {
  fs::create_directories(path.parent_path());
  Hdf5File file = Hdf5File::create(path);
  file.set_attribute("/", "Conventions", std::string("SOFA"));
  file.set_attribute("/", "SOFAConventions", std::string("MultiSpeakerBRIR"));
  file.set_attribute("/", "DataType", std::string("FIR"));
  file.set_attribute("/", "License", std::string("Creative Commons CC-BY 4.0"));
  std::vector<float> ir(2 * 2 * 100);
  for (std::size_t n = 0; n < ir.size(); ++n) ir[n] = static_cast<float>(n);
  file.write("Data.IR", ir, {2, 2, 100});
  file.write<double>("Data.SamplingRate", {44100}, {1});
  file.write<double>("SourcePosition", {1, 2, 3, 4, 5, 6}, {2, 3});
  file.set_attribute("SourcePosition", "Type", std::string("cartesian"));
  file.write<double>("ListenerPosition", {0, 0, 1}, {1, 3});
  file.set_attribute("ListenerPosition", "Type", std::string("cartesian"));
  file.commit();
}

/// hall/a.wav (2 channels), hall/b.wav, cellar/c.wav, cellar/deep/d.wav, brirs/e.sofa (2 responses of 2 receivers)
fs::path measurements(const Scratch& scratch) {
  const fs::path root = scratch / "measurements";
  write_room(root / "hall/a.wav", 1, 2);
  write_room(root / "hall/b.wav", 2);
  write_room(root / "cellar/c.wav", 3);
  write_room(root / "cellar/deep/d.wav", 4);
  write_sofa(root / "brirs/e.sofa");
  write_text(root / "notes.txt", "no sound");
  return root;
}

struct Imported {
  ImportReport report;
  std::vector<StoredResponse> responses;
};

Imported import(const Scratch& scratch, const ImportSettings& settings) {
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch / "out.h5");
  Imported out;
  out.report = import_responses(settings, writer);
  writer.commit();
  out.responses = ResponseStore::open(scratch / "out.h5").responses();
  return out;
}

std::string error_of(const Scratch& scratch, const ImportSettings& settings) {
  return message_of<Error>([&] { import(scratch, settings); });
}

TEST(Importer, TakesEveryChannelWithItsRoomRateAndPositions) {
  const Scratch scratch;
  const auto [report, responses] = import(scratch, {.inputs = {measurements(scratch)}});
  EXPECT_EQ(report.files, 5u);
  EXPECT_TRUE(report.skipped.empty());
  std::vector<std::string> seen;
  for (const StoredResponse& r : responses)
    seen.push_back(r.file + " " + std::to_string(r.channel) + " " + r.room + " " +
                   std::to_string(static_cast<int>(r.rate_hz)) + " " + r.licence);
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "brirs/e.sofa#0 0 brirs 44100 CC-BY-4.0", "brirs/e.sofa#0 1 brirs 44100 CC-BY-4.0",
                      "brirs/e.sofa#1 0 brirs 44100 CC-BY-4.0", "brirs/e.sofa#1 1 brirs 44100 CC-BY-4.0",
                      "cellar/c.wav 0 cellar 16000 unknown", "cellar/deep/d.wav 0 cellar/deep 16000 unknown",
                      "hall/a.wav 0 hall 16000 unknown", "hall/a.wav 1 hall 16000 unknown",
                      "hall/b.wav 0 hall 16000 unknown"}));
  EXPECT_EQ(responses[2].source_m.value(), (std::array<double, 3>{4, 5, 6}));
  EXPECT_EQ(responses[2].receiver_m.value(), (std::array<double, 3>{0, 0, 1}));
  EXPECT_FALSE(responses[4].source_m);
  const ResponseStore store = ResponseStore::open(scratch / "out.h5");
  NoiseRoom room;
  room.channels = 2;
  room.seconds = 0.2;
  EXPECT_EQ(store.read(7), room.audio().channels[1]);
  EXPECT_EQ(store.read(2)[0], 200);
}

TEST(Importer, NamesRoomsByFileOrPattern) {
  const Scratch scratch;
  const fs::path root = measurements(scratch);
  const auto rooms = [&](const std::string& by) {
    std::set<std::string> out;
    for (const auto& r : import(scratch, {.inputs = {root / "hall", root / "cellar"}, .room_by = by}).responses)
      out.insert(r.room);
    return out;
  };
  EXPECT_EQ(rooms("folder"), (std::set<std::string>{"hall", "cellar", "cellar/deep"}));
  EXPECT_EQ(rooms("file"), (std::set<std::string>{"hall/a", "hall/b", "cellar/c", "cellar/deep/d"}));
  EXPECT_EQ(rooms("pattern:^([^/]*)/"), (std::set<std::string>{"hall", "cellar"}));
  EXPECT_EQ(rooms("pattern:[ab]\\.wav"), (std::set<std::string>{"a.wav", "b.wav"}));
  EXPECT_EQ(message_of<ConfigError>([&] { rooms("pattern:("); }), "--room-by pattern:(: is not a regular expression");
  EXPECT_EQ(message_of<ConfigError>([&] { rooms("folders"); }),
            "--room-by folders: expected folder, file or pattern:REGEX");
}

TEST(Importer, AManifestSaysWhichFilesAndWhatTheyAre) {
  const Scratch scratch;
  const fs::path root = measurements(scratch);
  write_text(
      scratch / "rooms.csv",
      "# made by hand\nfile,room,licence,split\nhall/*,\"Hall, large\",MIT,test\ne.sofa#1,Studio,,\nnone.wav,x,,\n");
  ImportSettings settings{.inputs = {root}, .manifest = scratch / "rooms.csv"};
  const auto [report, responses] = import(scratch, settings);
  ASSERT_EQ(responses.size(), 5u);
  EXPECT_EQ(responses[0].file, "brirs/e.sofa#1");
  EXPECT_EQ(responses[0].room, "Studio");
  EXPECT_EQ(responses[0].licence, "CC-BY-4.0");
  EXPECT_EQ(responses[4].room, "Hall, large");
  EXPECT_EQ(responses[4].licence, "MIT");
  EXPECT_EQ(responses[4].split, "test");
  EXPECT_EQ(report.left_out, (std::vector<std::string>{"brirs/e.sofa#0", "cellar/c.wav", "cellar/deep/d.wav"}));
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("rooms.csv:5: 'none.wav' stands for none"), std::string::npos);
  settings.room_by = "folder";  // for the others
  EXPECT_EQ(import(scratch, settings).responses.size(), 9u);
}

TEST(Importer, ABadFileIsToldAndLeftOut) {
  const Scratch scratch;
  const fs::path root = measurements(scratch);
  write_text(root / "hall/broken.wav", "RIFF and nothing more");
  write_text(root / "hall/empty.sofa", "");
  ImportSettings settings{.inputs = {root}};
  const auto [report, responses] = import(scratch, settings);
  EXPECT_EQ(responses.size(), 9u);
  ASSERT_EQ(report.skipped.size(), 2u);
  EXPECT_NE(report.skipped[0].find("broken.wav: "), std::string::npos);
  settings.strict = true;
  EXPECT_NE(error_of(scratch, settings).find("broken.wav: "), std::string::npos);
  EXPECT_NE(error_of(scratch, {.inputs = {root / "hall/broken.wav"}}).find("none of 1 files could be imported"),
            std::string::npos);
}

TEST(Importer, RefusesWhatIsNotThereAndTwoFilesOfOneName) {
  const Scratch scratch;
  const fs::path root = measurements(scratch);
  write_room(root / "other/a.wav", 9);
  EXPECT_NE(error_of(scratch, {.inputs = {scratch / "nowhere"}}).find("no such file or folder"), std::string::npos);
  EXPECT_NE(error_of(scratch, {.inputs = {root / "hall/a.wav", root / "other/a.wav"}}).find("both be called 'a.wav'"),
            std::string::npos);
  fs::create_directory(scratch / "empty");
  EXPECT_NE(error_of(scratch, {.inputs = {scratch / "empty"}}).find("no sound or SOFA file"), std::string::npos);
  EXPECT_EQ(scratch.file_count(), 2u);  // measurements and empty: no data file, no partial one
}

TEST(Importer, FindsLicencesBesideTheFilesAndAbove) {
  const Scratch scratch;
  const fs::path root = measurements(scratch);
  write_text(root / "LICENSE", "MIT License\n\nPermission is hereby granted, free of charge, to any person");
  write_text(root / "cellar/deep/license.txt", "Attribution-ShareAlike 4.0 International\n\nCreative Commons ...");
  const auto responses = import(scratch, {.inputs = {root}, .licence = "CC0"}).responses;
  EXPECT_EQ(responses[0].licence, "CC-BY-4.0");
  EXPECT_EQ(responses[4].licence, "MIT");
  EXPECT_EQ(responses[5].licence, "CC-BY-SA-4.0");
  fs::remove(root / "LICENSE");
  EXPECT_EQ(import(scratch, {.inputs = {root}, .licence = "CC0"}).responses[4].licence, "CC0");
}

TEST(Importer, TakesEveryMeasuredResponse) {
  const Scratch scratch;
  const fs::path root = shared_data() / "ir";
  if (!fs::exists(root)) GTEST_SKIP() << "no measured responses: set DIFFVERB_DATA";
  const auto [report, responses] = import(scratch, {.inputs = {root}});
  EXPECT_TRUE(report.skipped.empty()) << report.skipped[0];
  EXPECT_EQ(responses.size(), 208u);
  std::set<std::string> rooms;
  for (const auto& r : responses) rooms.insert(r.room);
  EXPECT_EQ(rooms.size(), 8u);
}

TEST(Licence, KnowsTheCommonOnes) {
  EXPECT_EQ(licence_name("Permission is hereby granted,\n free of charge, to any"), "MIT");
  EXPECT_EQ(licence_name("https://creativecommons.org/licenses/by-nc-sa/4.0/"), "CC-BY-NC-SA-4.0");
  EXPECT_EQ(licence_name("CC BY 3.0"), "CC-BY-3.0");
  EXPECT_EQ(licence_name("CC-BY"), "CC-BY");
  EXPECT_EQ(licence_name("CC0 1.0 Universal"), "CC0-1.0");
  EXPECT_EQ(licence_name("Attribution-NonCommercial-NoDerivatives 4.0 International"), "CC-BY-NC-ND-4.0");
  EXPECT_EQ(licence_name("# Our own terms\nask us"), "Our own terms");
  EXPECT_EQ(licence_name("No license provided, ask the author for permission"), "unknown");
  EXPECT_EQ(licence_name(" \n"), "unknown");
}

TEST(Manifest, NamesTheLineOfWhatIsWrong) {
  const Scratch scratch;
  const auto message = [&](const std::string& text) {
    write_text(scratch / "m.csv", text);
    const std::string all = message_of<DataError>([&] { Manifest::read(scratch / "m.csv"); });
    const std::string path = (scratch / "m.csv").string();
    return all.starts_with(path) ? all.substr(path.size()) : all;
  };
  EXPECT_EQ(message("file,rom\n"), ":1: unknown column 'rom', did you mean 'room'? known: file, room, licence, split");
  EXPECT_EQ(message("file,licence\na,b\n"), ":1: expected a header with one column 'room', e.g. file,room,licence");
  EXPECT_EQ(message("file;room;licence\na;b;MIT\n"),
            ":1: columns are separated by ';', expected commas: file,room,licence");
  EXPECT_EQ(message("# tabs\nfile\troom\n"), ":2: columns are separated by tabs, expected commas: file,room,licence");
  EXPECT_EQ(message(std::string("\x89PNG\r\n\x1a\n\0\0", 10)),
            ":2: is not text, expected a table with a header, e.g. file,room,licence");
  EXPECT_EQ(message("file,room,split\na,b,\x1b[2J\n"),
            ":2: is not text, expected a table with a header, e.g. file,room,licence");
  EXPECT_EQ(message("file,room\na,b\nc,d,e\n"), ":3: 3 fields, the header has 2 (a field with a comma needs quotes)");
  EXPECT_EQ(message("file,room\na,b\nc,\"d\ne,f\n"), ":3: a field in quotes that do not end");
  EXPECT_EQ(message("file,room\n\na,\n"), ":3: file and room must not be empty");
  EXPECT_EQ(message("file,room,split\na,b,tset\n"), ":2: split 'tset', expected train, validation, test or nothing");
  EXPECT_EQ(message("file,room,split\na,b,test\n\"x\ny\",b,train\n"),
            ":3: room 'b' is in another split in line 2; a room stands in one part only");
  EXPECT_EQ(message(""), ": no rows, expected file,room,licence and a line a file");
  EXPECT_EQ(message("\xef\xbb\xbf"
                    "file , room\r\n\"a \"\"b\"\".wav\",c\r\n"),
            "no error");
  EXPECT_NE(Manifest::read(scratch / "m.csv").find("folder/a \"b\".wav"), nullptr);
}

}  // namespace
}  // namespace diffverb
