#include "datasets/sofa.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "datasets/response_file.h"
#include "tests/scratch.h"
#include "tests/shared_data.h"

namespace diffverb {
namespace {

struct Made {
  std::string data_type = "FIR", conventions = "SOFA", rate_unit = "hertz";
  std::size_t measurements = 3, receivers = 2, samples = 4, emitters = 0;  // 0: no such axis
  bool emitters_before_samples = false;
  std::vector<double> rates{48000}, delays{0, 2};
  std::vector<std::size_t> delay_shape{1, 2};
  double first_sample = 0;
};

/// Sample n of measurement m, receiver r, emitter e is 1000 m + 100 r + 10 e + n.
std::filesystem::path write(const Scratch& scratch, const Made& made) {
  Hdf5File file = Hdf5File::create(scratch / "a.sofa");
  file.set_attribute("/", "Conventions", made.conventions);
  file.set_attribute("/", "SOFAConventions", std::string("SingleRoomSRIR"));
  file.set_attribute("/", "DataType", made.data_type);
  file.set_attribute("/", "License", std::string("CC BY 4.0"));
  file.set_attribute("/", "Title", std::string(""));
  std::vector<float> ir;
  const std::size_t emitters = std::max<std::size_t>(made.emitters, 1);
  for (std::size_t m = 0; m < made.measurements; ++m)
    for (std::size_t r = 0; r < made.receivers; ++r)
      for (std::size_t i = 0; i < made.samples * emitters; ++i) {
        const std::size_t n = made.emitters_before_samples ? i % made.samples : i / emitters;
        const std::size_t e = made.emitters_before_samples ? i / made.samples : i % emitters;
        ir.push_back(static_cast<float>(1000 * m + 100 * r + 10 * e + n));
      }
  ir[0] = static_cast<float>(made.first_sample);
  std::vector<std::size_t> shape{made.measurements, made.receivers, made.samples};
  if (made.emitters) shape.insert(shape.end() - (made.emitters_before_samples ? 1 : 0), made.emitters);
  file.write("Data.IR", ir, shape);
  file.write("Data.SamplingRate", made.rates, {made.rates.size()});
  file.set_attribute("Data.SamplingRate", "Units", made.rate_unit);
  if (!made.delays.empty()) file.write("Data.Delay", made.delays, made.delay_shape);
  std::vector<double> sources;
  for (std::size_t m = 0; m < made.measurements; ++m) {
    for (const double x : {90.0 * static_cast<double>(m), 0.0, 2.0}) sources.push_back(x);
  }
  file.write("SourcePosition", sources, {made.measurements, 3});
  file.set_attribute("SourcePosition", "Type", std::string("spherical"));
  file.write<double>("ListenerPosition", {1, 2, 3}, {1, 3});
  file.set_attribute("ListenerPosition", "Type", std::string("cartesian"));
  file.write<double>("EmitterPosition", {0, 0, 0, 5, 6, 7}, {2, 3, 1});
  file.commit();
  return scratch / "a.sofa";
}

TEST(Sofa, ReadsResponsesDelaysAndPositions) {
  const Scratch scratch;
  const SofaFile sofa = SofaFile::open(write(scratch, {}));
  EXPECT_EQ(sofa.size(), 3u);
  EXPECT_EQ(sofa.channels(), 2u);
  EXPECT_EQ(sofa.rate_hz(), 48000);
  EXPECT_EQ(sofa.convention(), "SingleRoomSRIR");
  EXPECT_EQ(sofa.licence(), "CC BY 4.0");
  const Audio audio = sofa.read(1);
  ASSERT_EQ(audio.channels.size(), 2u);
  EXPECT_EQ(audio.channels[0], (std::vector<float>{1000, 1001, 1002, 1003, 0, 0}));
  EXPECT_EQ(audio.channels[1], (std::vector<float>{0, 0, 1100, 1101, 1102, 1103}));
  const auto source = sofa.source_m(1).value(), listener = sofa.listener_m(2).value();
  EXPECT_NEAR(source[0], 0, 1e-12);
  EXPECT_NEAR(source[1], 2, 1e-12);
  EXPECT_EQ(listener, (SofaFile::Position{1, 2, 3}));
}

TEST(Sofa, EachEmitterOfAMeasurementIsAResponse) {
  const Scratch scratch;
  const SofaFile sofa = SofaFile::open(
      write(scratch, {.data_type = "FIR-E", .emitters = 2, .delays = {0, 0, 0, 1}, .delay_shape = {1, 2, 2}}));
  ASSERT_EQ(sofa.size(), 6u);
  const Audio audio = sofa.read(5);  // measurement 2, emitter 1
  EXPECT_EQ(audio.channels[0], (std::vector<float>{2010, 2011, 2012, 2013, 0}));
  EXPECT_EQ(audio.channels[1], (std::vector<float>{0, 2110, 2111, 2112, 2113}));
  EXPECT_NEAR(sofa.source_m(5).value()[2], 7, 1e-12);
  EXPECT_NEAR(sofa.source_m(4).value()[2], 0, 1e-12);
}

TEST(Sofa, EmittersStandBeforeTheSamplesInFireAndBehindThemInFirE) {
  const Scratch scratch;
  const auto check = [&](const Made& made) {
    const SofaFile sofa = SofaFile::open(write(scratch, made));
    ASSERT_EQ(sofa.size(), 6u) << made.data_type;
    for (const std::size_t index : {4, 1, 5}) {  // forwards and backwards over what is kept
      const float first = 1000.0f * static_cast<float>(index / 2) + 10.0f * static_cast<float>(index % 2);
      const Audio audio = sofa.read(index);
      EXPECT_EQ(audio.channels[0], (std::vector<float>{first, first + 1, first + 2, first + 3})) << made.data_type;
      EXPECT_EQ(audio.channels[1][0], first + 100) << made.data_type;
    }
  };
  const std::vector<double> none = {0, 0, 0, 0};
  check({.data_type = "FIRE",
         .emitters = 2,
         .emitters_before_samples = true,
         .delays = {0, 0},
         .delay_shape = {1, 2, 1}});
  check(
      {.data_type = "FIRE", .emitters = 2, .emitters_before_samples = true, .delays = none, .delay_shape = {1, 2, 2}});
  check({.data_type = "FIR-E", .emitters = 2, .delays = {}});
  // Named like the one, ordered like the other: EmitterPosition has two.
  check({.data_type = "FIRE", .emitters = 2, .delays = {}});
  check(
      {.data_type = "FIR-E", .emitters = 2, .emitters_before_samples = true, .delays = none, .delay_shape = {1, 2, 2}});
}

TEST(Sofa, AResponseOfManyIsNamed) {
  const Scratch scratch;
  const auto path = write(scratch, {});
  EXPECT_EQ(responses_in(path).size(), 3u);
  EXPECT_EQ(read_response(path.string() + "#2").channels[0][0], 2000);
  EXPECT_NE(message_of<DataError>([&] { read_response(path); }).find("holds 3 responses; name one of them"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { read_response(path.string() + "#3"); }).find("it has 0 to 2"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { read_response(path.string() + "#x"); }).find("expected a number after '#'"),
            std::string::npos);
}

TEST(Sofa, SaysHowLongAResponseIsWithoutReadingIt) {
  const Scratch scratch;
  const auto path = write(scratch, {});
  write_text(scratch / "text.sofa", "no SOFA");
  write_audio(scratch / "a.wav", {96000, {{1, 2, 3}}});
  const std::vector<std::filesystem::path> responses = {path.string() + "#0", scratch / "a.wav", path.string() + "#2",
                                                        scratch / "text.sofa", path.string() + "#x"};
  EXPECT_EQ(promised_samples(responses), (std::vector<std::int64_t>{8, 3, 8, 0, 0}));
}

TEST(Sofa, RefusesWhatItCannotRead) {
  const Scratch scratch;
  const auto message = [&](const Made& made) {
    const auto path = write(scratch, made);
    return message_of<DataError>([&] { SofaFile::open(path).read(0); });
  };
  EXPECT_NE(message({.conventions = "netCDF"}).find("not a SOFA file"), std::string::npos);
  EXPECT_NE(message({.data_type = "TF"}).find("SOFA data of type 'TF'"), std::string::npos);
  EXPECT_NE(message({.rate_unit = "second"}).find("is in 'second', expected hertz"), std::string::npos);
  EXPECT_NE(message({.rates = {48000, 44100, 48000}}).find("one rate"), std::string::npos);
  EXPECT_NE(message({.rates = {4000}}).find("expected 8000"), std::string::npos);
  EXPECT_NE(message({.delays = {0, 0, 0}, .delay_shape = {1, 3}})
                .find("'Data.Delay' does not go with 'Data.IR': is [1, 3], expected [M, R, E] = [1 or 3, 2, 1]"),
            std::string::npos);
  EXPECT_NE(message({.data_type = "FIRE",
                     .emitters = 2,
                     .emitters_before_samples = true,
                     .delays = {0, 0, 0, 0, 0, 0, 0, 0},
                     .delay_shape = {1, 2, 4}})
                .find("is [1, 2, 4], expected [M, R, E] = [1 or 3, 2, 1 or 2] or without E"),
            std::string::npos);
  EXPECT_NE(message({.delays = {0, -1}}).find("'Data.Delay' holds -1"), std::string::npos);
  EXPECT_NE(message({.first_sample = std::numeric_limits<double>::quiet_NaN()}).find("receiver 1, sample 0"),
            std::string::npos);
}

TEST(Sofa, MeasuredFilesOpen) {
  const auto room = shared_responses() / "surrey_room_a/UniS_Room_A_BRIR_16k.sofa";
  if (!std::filesystem::exists(room)) GTEST_SKIP() << room << " is not there";
  const SofaFile sofa = SofaFile::open(room);
  EXPECT_EQ(sofa.size(), 37u);
  EXPECT_EQ(sofa.rate_hz(), 16000);
  EXPECT_EQ(sofa.licence(), "MIT license");
  const Audio front = sofa.read(18), left = sofa.read(0);
  EXPECT_EQ(front.frames(), 6259u);
  EXPECT_NEAR(std::hypot((*sofa.source_m(18))[0], (*sofa.source_m(18))[1]), 1.5, 1e-9);
  const auto energy = [](const std::vector<float>& x) {
    double sum = 0;
    for (const float value : x) sum += static_cast<double>(value) * value;
    return sum;
  };
  // In front both ears hear the same; from the side the far ear lies in the head's shadow.
  EXPECT_LT(std::abs(10 * std::log10(energy(front.channels[0]) / energy(front.channels[1]))), 2);
  EXPECT_GT(std::abs(10 * std::log10(energy(left.channels[0]) / energy(left.channels[1]))), 4);
}

}  // namespace
}  // namespace diffverb
