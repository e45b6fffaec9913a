// The runtime's encoder (no LibTorch) against the training's, before refinement.
#include "runtime/envelope_encoder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "datasets/response_file.h"
#include "tests/rooms.h"
#include "tests/shared_data.h"
#include "train/autoencoder/room_coder.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

const fs::path kWeights = fs::path(DIFFVERB_SOURCE_DIR) / "experiments/autoencoder/weights/autoencoder_3.safetensors";

/// The largest difference of a coordinate, in any channel.
double largest_difference(RoomCoder& coder, const runtime::EnvelopeEncoder& encoder, const Audio& response) {
  const EncodedRoom expected = coder.encode(response);
  const runtime::EncodedPoint point = encoder.encode(response.channels, response.rate_hz);
  EXPECT_EQ(point.error, "");
  if (!point || point.channels.size() != expected.channels.size()) return INFINITY;
  double largest = 0;
  for (std::size_t c = 0; c < point.channels.size(); ++c) {
    for (std::size_t i = 0; i < point.channels[c].size(); ++i)
      largest = std::max(largest, std::abs(point.channels[c][i] - expected.channels[c].latent[i]));
  }
  return largest;
}

class OracleEnvelopeEncoder : public testing::Test {
 protected:
  const std::unique_ptr<RoomCoder> coder_ = open_envelope_coder(kWeights, 0);
  const runtime::EnvelopeEncoder encoder_{runtime::load_envelope_decoder(kWeights).weights};
};

TEST_F(OracleEnvelopeEncoder, FindsThePointsOfMadeRooms) {
  for (const double rate_hz : {22050.0, 44100.0, 48000.0, 96000.0}) {
    const NoiseRoom room{.rate_hz = rate_hz, .seconds = 1.2, .t60_s = 0.7, .late_t60_s = 1.5, .channels = 2};
    Audio response = room.audio();
    for (auto& channel : response.channels) channel.insert(channel.begin(), 1000, 0.0f);  // where resampling rings
    EXPECT_LT(largest_difference(*coder_, encoder_, response), 1e-3) << rate_hz;
  }
}

TEST_F(OracleEnvelopeEncoder, FindsThePointsOfMeasuredRooms) {
  if (!fs::exists(shared_responses())) GTEST_SKIP() << "no measured responses: " << shared_responses();
  int compared = 0;
  for (const auto& entry : fs::recursive_directory_iterator(shared_responses())) {
    if (entry.path().extension() != ".wav") continue;
    EXPECT_LT(largest_difference(*coder_, encoder_, read_response(entry.path())), 1e-3) << entry.path();
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

}  // namespace
}  // namespace diffverb
