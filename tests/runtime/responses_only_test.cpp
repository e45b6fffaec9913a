// Networks without lines: what a measured response is in the runtime.
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "networks.h"
#include "played.h"
#include "runtime/network_check.h"
#include "runtime/pyfdn_network.h"
#include "runtime/render.h"

namespace diffverb::runtime {
namespace {

/// `inputs` x `outputs` responses of `samples`, without a line.
DelayNetworkWeights responses(int inputs, int outputs, int samples, unsigned seed) {
  DelayNetworkWeights w;
  w.sample_rate_hz = 48000;
  w.inputs = inputs, w.outputs = outputs, w.early_samples = samples;
  w.D.assign(static_cast<std::size_t>(inputs * outputs), 0.0f);
  for (const auto& row : testing::noise(inputs * outputs, samples, seed))
    w.early.insert(w.early.end(), row.begin(), row.end());
  return w;
}

TEST(RuntimeResponsesOnly, PlayLikeTheReferenceInBlocksOfAnySize) {
  for (const auto& [inputs, outputs, samples] : {std::array{1, 1, 1}, {1, 2, 700}, {2, 2, 1500}, {3, 1, 129}}) {
    const DelayNetworkWeights w = responses(inputs, outputs, samples, 3);
    const auto input = testing::noise(inputs, 3000, 9);
    Engine engine;
    ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
    const auto whole = testing::play(engine, input, {3000});
    EXPECT_LT(testing::worst_error(w, input, whole), 1e-5) << samples;
    for (const auto& blocks : {std::vector{1}, std::vector{17, 1, 300}, std::vector{256}}) {
      engine.reset();
      EXPECT_EQ(testing::play(engine, input, blocks), whole) << samples;
    }
  }
}

TEST(RuntimeResponsesOnly, AnImpulseGivesTheResponseAtOnce) {
  const DelayNetworkWeights w = responses(1, 1, 1000, 4);
  const auto played = render_impulse(testing::model_of(w), 1000 / 48000.0);
  double peak = 0;
  for (const float h : w.early) peak = std::max(peak, std::abs(static_cast<double>(h)));
  for (std::size_t n = 0; n < 1000; ++n) ASSERT_NEAR(played[0][n], w.early[n], 1e-6 * peak) << n;
}

TEST(RuntimeResponsesOnly, ADirectGainAndItsEqualiserPlayBesideTheResponse) {
  DelayNetworkWeights w = responses(1, 2, 300, 5);
  w.D = {0.7f, -0.2f};
  w.output_sections = 2;
  for (int k = 0; k < 4; ++k) testing::add_peak(w.output_sos, 300.0 * (k + 1), 1, 5 - 3 * k, 48000);
  const auto input = testing::noise(1, 2000, 2);
  Engine engine;
  ASSERT_EQ(engine.prepare(testing::model_of(w), 48000), "");
  EXPECT_LT(testing::worst_error(w, input, testing::play(engine, input, {64, 3})), 1e-5);
}

TEST(RuntimeResponsesOnly, RoundTripThroughAFileWhoseSelfTestHearsTheResponse) {
  const DelayNetworkWeights w = responses(2, 2, 900, 6);
  const SerializedWeights file = serialize_weights(w);
  ASSERT_EQ(file.error, "");
  const LoadResult loaded = load_model(file.bytes);
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.model->network.lines, 0);
  EXPECT_EQ(loaded.model->metadata.at("version"), "1.1");
  EXPECT_EQ(loaded.model->network.early, w.early);
  EXPECT_EQ(loaded.model->network.D, w.D);
  DelayNetworkWeights other = w;
  other.early[880] += 0.1f;
  const std::string text = loaded.model->metadata.at("self_test");
  EXPECT_EQ(run_self_test(make_model(w).model, text), "");
  EXPECT_NE(run_self_test(make_model(other).model, text).find("the self-test fails"), std::string::npos);
}

TEST(RuntimeResponsesOnly, NothingAtAllIsRefused) {
  DelayNetworkWeights w = responses(1, 1, 10, 7);
  w.early_samples = 0;
  w.early.clear();
  EXPECT_EQ(make_model(w).error,
            "there is neither a line nor an early part, expected 1 to 256 lines, or a response to convolve with");
  w = responses(1, 1, 10, 7);
  w.B = {1};
  EXPECT_EQ(make_model(w).error, "tensor 'B' has 1 values, expected 0");
  w = responses(1, 1, 10, 7);
  w.early[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(make_model(w).error, "tensor 'early': value 3 is not a number");
}

TEST(RuntimeResponsesOnly, ABuildOfPyfdnHasNoPlaceForThem) {
  EXPECT_NE(make_pyfdn(responses(1, 1, 100, 8)).error.find("a build of pyFDN needs a delay"), std::string::npos);
  DelayNetworkWeights beside = testing::network_of({0.5f}, {7});
  beside.moving.count = beside.moving.samples = 1;
  beside.moving.taps = {1};
  beside.moving.means = {1, 1};
  const PyfdnText build = make_pyfdn(beside);
  EXPECT_EQ(build.error, "");
  EXPECT_NE(build.left_out.find("moving_early"), std::string::npos);
}

}  // namespace
}  // namespace diffverb::runtime
