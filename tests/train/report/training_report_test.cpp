#include "train/training/training_report.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/datasets/stores.h"
#include "tests/program.h"
#include "tests/scratch.h"
#include "tests/train/report/markup.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;
using report::count;

/// Six responses of three rooms to train on, two of one room to validate.
void write_rooms(const fs::path& path) {
  ResponseStoreWriter writer = ResponseStoreWriter::create(path);
  for (int k = 0; k < 8; ++k) {
    StoredResponse r = stored_response("r" + std::to_string(k) + ".wav", "room " + std::to_string(k / 2));
    r.split = k < 6 ? "train" : "validation";
    r.licence = "CC0-1.0";
    writer.add(r, noise_room(static_cast<std::uint64_t>(k + 1), 16000, 0.3 + 0.05 * k, 1.2));
  }
  writer.commit();
}

/// The published network with few filters, for two steps.
std::string small_training(const fs::path& store) {
  return "seed: 1\nthreads: 1\ndata: {type: rirs, files: [" + store.string() +
         "], sample_rate_hz: 16000, samples: 32512, normalise: none}\n"
         "model: {type: spectral_autoencoder, latent: 3, encoder_filters: [4,4,4,4,4,4,4,4,4,8], "
         "decoder_filters: [8,4,4,4,4,4,4,4,4,4]}\n"
         "losses: [{type: mse, of: spectrogram}]\n"
         "train: {batch_size: 3, steps: 2}\n";
}

class TrainingReport : public testing::Test {
 protected:
  /// Trains and returns the program's exit code.
  int train(const fs::path& out) {
    write_rooms(scratch_ / "rooms.h5");
    write_text(scratch_ / "small.yaml", small_training(scratch_ / "rooms.h5"));
    Program program(DIFFVERB_PROGRAM, {"train", (scratch_ / "small.yaml").string(), "--out", out.string()},
                    scratch_.path());
    return program.wait();
  }
  Scratch scratch_;
};

TEST_F(TrainingReport, IsWrittenWhenATrainingEndsAndAgainWhenAsked) {
  const fs::path run = scratch_ / "run";
  ASSERT_EQ(train(run), 0);
  const std::string page = read_file(run / "report.html");
  for (const char* id : {"learning", "examples", "errors", "all", "data", "provenance"})
    EXPECT_EQ(count(page, "<h2 id=\"" + std::string(id) + "\">"), 1u) << id;
  EXPECT_EQ(count(page, "class=\"missing\""), 0u);
  EXPECT_EQ(count(page, "All 2 validation examples, of rooms that were not trained on."), 1u);
  EXPECT_GE(count(page, "r6.wav, channel 1, room room 3"), 2u);
  EXPECT_EQ(count(page, "<audio"), 2u * 4);
  EXPECT_GE(count(page, "Network&#39;s output"), 2u);
  EXPECT_EQ(count(page, "<td class=\"name\">CC0-1.0</td><td>6</td>"), 1u);

  const std::string weights = read_file(run / "model.safetensors");
  fs::remove(run / "report.html");
  write_training_report({run}, run / "report.html", 1);
  EXPECT_EQ(count(read_file(run / "report.html"), "1 of 2 validation examples"), 1u);
  EXPECT_EQ(read_file(run / "model.safetensors"), weights);

  // The data have been moved: what is left is shown.
  fs::remove(scratch_ / "rooms.h5");
  write_training_report({run}, run / "report.html");
  const std::string bare = read_file(run / "report.html");
  EXPECT_EQ(count(bare, "No examples are shown: "), 1u);
  EXPECT_EQ(count(bare, "<h2 id=\"learning\">"), 1u);
  EXPECT_EQ(count(bare, "<audio"), 0u);
}

TEST_F(TrainingReport, RefusesFoldersThatHoldNoTraining) {
  EXPECT_THROW(write_training_report({scratch_ / "nothing"}, scratch_ / "out.html"), DataError);
  EXPECT_THROW(write_training_report({}, scratch_ / "out.html"), ConfigError);
  EXPECT_FALSE(fs::exists(scratch_ / "out.html"));
}

}  // namespace
}  // namespace diffverb
