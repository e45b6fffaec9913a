#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "datasets/importer.h"
#include "runtime/weights.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/cli.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// What `diffverb data import` says, as JSON.
nlohmann::json imported(std::vector<std::string> words) {
  words.insert(words.begin(), {"data", "import"});
  words.push_back("--json");
  testing::internal::CaptureStdout();
  const int code = run_command_line(words);
  const std::string out = testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, 0);
  return nlohmann::json::parse(out);
}

TEST(RawImport, TakesBarePcmWithAGain) {
  const Scratch scratch;
  fs::create_directories(scratch / "old");
  std::string bytes;
  for (int n = 0; n < 1000; ++n) {
    for (int c = 0; c < 4; ++c) {  // channel c: (c + 1) / 8 of full scale at sample 100 c
      const std::int32_t value = n == 100 * c ? (c + 1) << 20 : 0;
      for (int i = 0; i < 3; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
    }
  }
  write_text(scratch / "old/hall.raw", bytes);
  write_text(scratch / "old/README", "no sound");
  const auto report = imported({(scratch / "old").string(), "-o", (scratch / "old.h5").string(), "--raw", "s24le",
                                "--rate", "48000", "--channels", "4", "--gain-db", "-6"});
  EXPECT_EQ(report.at("responses"), 4);
  EXPECT_EQ(report.at("true_stereo").size(), 1u);
  EXPECT_EQ(report.at("true_stereo")[0].at("order"), "ll_lr_rl_rr");
  const ResponseStore store = ResponseStore::open(scratch / "old.h5");
  for (std::size_t c = 0; c < 4; ++c) {
    const auto samples = store.read(c);
    ASSERT_EQ(samples.size(), 1000u);
    EXPECT_NEAR(samples[100 * c], static_cast<double>(c + 1) / 8 * std::pow(10.0, -0.3), 1e-6) << c;
    EXPECT_EQ(store.at(c).rate_hz, 48000);
  }
  const std::string out = (scratch / "x.h5").string(), in = (scratch / "old").string();
  EXPECT_THROW(run_command_line({"data", "import", in, "-o", out, "--raw", "s24le"}), ConfigError);
  EXPECT_THROW(run_command_line({"data", "import", in, "-o", out, "--rate", "48000"}), ConfigError);
  EXPECT_NE(
      message_of<DataError>([&] {
        run_command_line({"data", "import", in, "-o", out, "--raw", "s32le", "--rate", "48000", "--channels", "7"});
      }).find("expected whole frames of 7 channels in s32le"),
      std::string::npos);
  EXPECT_FALSE(fs::exists(out));
}

TEST(TrueStereoImport, KnowsFourChannelsAndPairsOfStereoFiles) {
  const Scratch scratch;
  const fs::path folder = scratch / "library";
  fs::create_directories(folder);
  NoiseRoom room;
  room.seconds = 0.2;
  for (const auto& [name, channels] :
       {std::pair{"church.wav", 4}, std::pair{"church LL-RL-LR-RR.wav", 4}, std::pair{"church ambix.wav", 4},
        std::pair{"hall_L.wav", 2}, std::pair{"hall_R.wav", 2}, std::pair{"lone_L.wav", 2}, std::pair{"cell.wav", 2}}) {
    room.channels = channels;
    ++room.seed;
    write_audio(folder / name, room.audio());
  }
  const auto report =
      imported({folder.string(), "-o", (scratch / "library.h5").string(), "--room-by", "file", "--licence", "MIT"});
  const auto& found = report.at("true_stereo");
  ASSERT_EQ(found.size(), 3u) << found;
  EXPECT_EQ(found[0].at("name"), "church LL-RL-LR-RR.wav");
  EXPECT_EQ(found[0].at("order"), "ll_rl_lr_rr");
  EXPECT_EQ(found[1].at("name"), "church.wav");
  EXPECT_EQ(found[1].at("order"), "ll_lr_rl_rr");
  EXPECT_EQ(found[2].at("files"), (nlohmann::json{"hall_L.wav", "hall_R.wav"}));
  const ResponseStore store = ResponseStore::open(scratch / "library.h5");
  for (const StoredResponse& r : store.responses()) {
    if (r.file.starts_with("hall_")) {
      EXPECT_EQ(r.room, "hall");  // no split may put its two loudspeakers apart
    }
  }
}

TEST(FilterImport, PutsEveryResponseThroughTheFilterWithoutItsDelay) {
  const Scratch scratch;
  runtime::DelayNetworkWeights weights;
  weights.sample_rate_hz = 16000;
  weights.inputs = weights.outputs = 1;
  weights.D = {0};
  weights.early = {0, 0, 0.5f, 0.25f};
  weights.early_samples = 4;
  weights.early_ms = 0.25;
  weights.provenance = "{\"delay_samples\": 2}";
  ASSERT_EQ(runtime::write_weights(scratch / "filter.safetensors", weights), "");
  Audio audio{16000, {{1, 0, 0, -1}, {0, 2, 0, 0}}};
  write_audio(scratch / "room.wav", audio);
  imported({(scratch / "room.wav").string(), "-o", (scratch / "room.h5").string(), "--filter",
            (scratch / "filter.safetensors").string()});
  const ResponseStore store = ResponseStore::open(scratch / "room.h5");
  const std::vector<std::vector<float>> expected = {{0.5f, 0.25f, 0, -0.5f}, {0, 1, 0.5f, 0}};
  for (std::size_t c = 0; c < 2; ++c) {
    const auto samples = store.read(c);
    for (std::size_t n = 0; n < 4; ++n) EXPECT_NEAR(samples[n], expected[c][n], 1e-7) << c << ", " << n;
  }
  audio.rate_hz = 48000;
  write_audio(scratch / "other.wav", audio);
  EXPECT_NE(message_of<DataError>([&] {
              run_command_line({"data", "import", (scratch / "other.wav").string(), "-o", (scratch / "o.h5").string(),
                                "--filter", (scratch / "filter.safetensors").string()});
            }).find("is at 48000 Hz, expected the filter's 16000 Hz"),
            std::string::npos);
}

}  // namespace
}  // namespace diffverb
