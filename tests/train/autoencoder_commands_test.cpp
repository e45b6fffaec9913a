// diffverb encode, decode and eval.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/log.h"
#include "models/model.h"
#include "tests/datasets/stores.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/autoencoder/encoded_room.h"
#include "train/autoencoder/room_coder.h"
#include "train/cli.h"
#include "train/evaluation.h"
#include "train/model_file.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

/// A spectral autoencoder with its first weights, and a response of two channels, 0.05 s late.
class AutoencoderCommands : public testing::Test {
 protected:
  void SetUp() override {
    log().set_level(LogLevel::kOff);
    const std::string config =
        "{type: spectral_autoencoder, latent: 3, encoder_filters: [4,4,4,4,4,4,4,4,4,4], "
        "decoder_filters: [4,4,4,4,4,4,4,4,4,4], keep_level: true}";
    Fields fields = Fields::from_text(config);
    save_model(scratch_ / "model.safetensors", *family<Model>().make(fields), config, {{"latent_bounds", "[-2, 2]"}});
    Audio room = NoiseRoom{.rate_hz = 16000, .seconds = 1, .t60_s = 0.5}.audio();
    room.channels.push_back(room.channels[0]);
    for (std::size_t c = 0; c < 2; ++c) room.channels[c].insert(room.channels[c].begin(), 800, 0.0f);
    for (float& value : room.channels[1]) value *= 0.5f;
    fs::create_directories(scratch_ / "rooms");
    write_audio(scratch_ / "rooms/one.wav", room);
  }
  void TearDown() override { log().set_level(LogLevel::kInfo); }

  std::string path(const std::string& name) const { return (scratch_ / name).string(); }
  int encode(const std::string& out) {
    testing::internal::CaptureStdout();
    const int code =
        run_command_line({"encode", path("rooms/one.wav"), "--model", path("model.safetensors"), "--out", path(out)});
    testing::internal::GetCapturedStdout();
    return code;
  }
  nlohmann::json eval(std::vector<std::string> arguments, int code) {
    arguments.insert(arguments.begin(), {"eval", path("model.safetensors"), "--json"});
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_command_line(arguments), code);
    return nlohmann::json::parse(testing::internal::GetCapturedStdout());
  }

  Scratch scratch_;
};

TEST_F(AutoencoderCommands, DecodePlaysEveryChannelOfAnEncodedRoomAsEncodeDid) {
  ASSERT_EQ(encode("room"), 0);
  testing::internal::CaptureStdout();
  ASSERT_EQ(run_command_line({"decode", "--latent", path("room/latent.json"), "--model", path("model.safetensors"),
                              "--out", path("again.wav")}),
            0);
  testing::internal::GetCapturedStdout();
  const Audio encoded = read_audio(scratch_ / "room/ir.wav"), again = read_audio(scratch_ / "again.wav");
  EXPECT_EQ(again.rate_hz, encoded.rate_hz);
  ASSERT_EQ(again.channels.size(), 2u);
  double energy[2] = {0, 0};
  for (std::size_t c = 0; c < 2; ++c) {
    ASSERT_EQ(again.channels[c].size(), encoded.channels[c].size());
    for (std::size_t n = 0; n < again.channels[c].size(); ++n) {
      ASSERT_NEAR(again.channels[c][n], encoded.channels[c][n], 1e-5) << c << " at " << n;
      energy[c] += static_cast<double>(again.channels[c][n]) * again.channels[c][n];
    }
  }
  EXPECT_NEAR(10 * std::log10(energy[0] / energy[1]), 6.02, 0.2);
}

TEST_F(AutoencoderCommands, AnEncodedRoomThatDoesNotGoWithTheModelIsRefused) {
  ASSERT_EQ(encode("room"), 0);
  const auto good = nlohmann::json::parse(read_text(scratch_ / "room/latent.json"));
  const auto message = [&](const std::string& key, const nlohmann::json& value) {
    auto bad = good;
    bad["channels"][1][key] = value;
    write_text(scratch_ / "bad.json", bad.dump());
    return message_of<DataError>(
        [&] { read_encoded_room(scratch_ / "bad.json", scratch_ / "model.safetensors", 3, 2.0); });
  };
  EXPECT_NE(message("z", {0.1, 0.2}).find("2 latent coordinates"), std::string::npos);
  EXPECT_NE(message("z", {0.1, 0.2, 7}).find("'z' holds 7"), std::string::npos);
  EXPECT_NE(message("level_db", "loud").find("'level_db'"), std::string::npos);
  EXPECT_NE(message("onset_s", -1).find("'onset_s'"), std::string::npos);
  write_text(scratch_ / "bad.json", "[1, 2]");
  EXPECT_NE(message_of<DataError>([&] {
              read_encoded_room(scratch_ / "bad.json", scratch_ / "model.safetensors", 3, 2.0);
            }).find("latent.json of diffverb encode"),
            std::string::npos);
}

TEST_F(AutoencoderCommands, TheRunOfAFitIsNoAutoencoder) {
  fs::create_directory(scratch_ / "fit");
  for (const char* file : {"weights.safetensors", "checkpoint.safetensors"}) write_text(scratch_ / "fit" / file, "x");
  EXPECT_EQ(message_of<DataError>([&] { RoomCoder::open(scratch_ / "fit"); }),
            (scratch_ / "fit").string() + ": is the run of a fit, expected an autoencoder's");
}

TEST_F(AutoencoderCommands, EvalTellsRoomsApartAndGoesOnPastABadFile) {
  fs::create_directories(scratch_ / "rooms/hall");
  write_audio(scratch_ / "rooms/hall/a.wav", NoiseRoom{.rate_hz = 16000, .seconds = 1, .t60_s = 0.8}.audio());
  write_text(scratch_ / "rooms/broken.wav", "no sound");
  const auto result = eval({"--data", path("rooms"), path("no_such_folder")}, 2);
  EXPECT_EQ(result.at("channels"), 3);
  ASSERT_EQ(result.at("rooms").size(), 2u);
  EXPECT_EQ(result.at("rooms")[0].at("room"), "hall");
  EXPECT_EQ(result.at("rooms")[1].at("room"), "one.wav");
  EXPECT_EQ(result.at("rooms")[1].at("channels"), 2);
  EXPECT_EQ(result.at("small_rooms").at("channels"), 0);
  EXPECT_TRUE(result.at("small_rooms").at("median").at("lsd_db").is_null());
}

TEST_F(AutoencoderCommands, EvalNamesChannelsOfADataFile) {
  ResponseStoreWriter writer = ResponseStoreWriter::create(scratch_ / "rooms.h5");
  for (int channel = 0; channel < 3; ++channel) {
    StoredResponse r = stored_response("hall.wav", "hall");
    r.channel = channel;
    r.split = "test";
    writer.add(r, noise_room(static_cast<std::uint64_t>(channel)));
  }
  writer.commit();
  const auto result = eval({"--data", path("rooms.h5")}, 0);
  ASSERT_EQ(result.at("responses").size(), 3u);
  for (int channel = 0; channel < 3; ++channel)
    EXPECT_EQ(result.at("responses")[static_cast<std::size_t>(channel)].at("channel"), channel + 1);
  EXPECT_EQ(result.at("rooms").size(), 1u);
}

TEST_F(AutoencoderCommands, EvalRefusesAFileAsItsFolderBeforeItBegins) {
  write_text(scratch_ / "taken", "");
  EXPECT_NE(
      message_of<ConfigError>([&] {
        run_command_line({"eval", path("model.safetensors"), "--data", path("rooms/one.wav"), "--out", path("taken")});
      }).find("cannot be made a folder"),
      std::string::npos);
}

TEST(ModelTexts, LoseTheFoldersOfAbsolutePathsAndNothingElse) {
  EXPECT_EQ(without_folders("files: [/home/me/a.h5, /b/c/d.h5]\nrate: 1/2, file: '/x/y.wav', licence: CC-BY/4, e/f.h5"),
            "files: [a.h5, d.h5]\nrate: 1/2, file: 'y.wav', licence: CC-BY/4, e/f.h5");
}

TEST(Evaluation, CountsWhatIsUndefinedAndSetsSmallRoomsApart) {
  std::vector<Reconstruction> all(3);
  const Audio room = NoiseRoom{.seconds = 0.5, .t60_s = 0.3}.audio();
  for (std::size_t i = 0; i < 3; ++i) {
    all[i].target = all[i].played = room;
    all[i].room = "room";
    all[i].t20_s = 0.3 + 0.2 * static_cast<double>(i);
    all[i].lsd_smoothed_db = 1.0 + static_cast<double>(i);
  }
  all[0].t20_1k_error_pct = -8;
  all[1].t20_1k_error_pct = 2;
  const auto json = evaluation_json("model", all);
  EXPECT_EQ(json.at("undefined").at("t20_1k_error_pct"), 1);
  EXPECT_EQ(json.at("undefined").at("lsd_smoothed_db"), 0);
  EXPECT_EQ(json.at("median").at("t20_1k_error_pct"), 5);
  EXPECT_EQ(json.at("worst").at("t20_1k_error_pct"), 8);
  EXPECT_EQ(json.at("small_rooms").at("channels"), 1);
  EXPECT_EQ(json.at("small_rooms").at("median").at("lsd_smoothed_db"), 1);
  const std::string table = evaluation_table(all);
  EXPECT_NE(table.find("undefined"), std::string::npos);
  EXPECT_NE(table.find("of 1 with T20 below 0.4 s"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
