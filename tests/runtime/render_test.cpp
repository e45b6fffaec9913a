#include "runtime/render.h"

#include <gtest/gtest.h>

#include "networks.h"
#include "runtime/reference.h"

namespace diffverb::runtime {
namespace {

TEST(RuntimeRender, ImpulseResponseIsTheRecursions) {
  const DelayNetworkWeights w = testing::random_network({4, 1, 2, 2, 3, 100, 20, 90}, 4);
  const LoadResult made = make_model(w);
  ASSERT_EQ(made.error, "");
  const auto ir = render_impulse(made.model, 0.05);
  ASSERT_EQ(ir.size(), 2u);
  ASSERT_EQ(ir[0].size(), 2400u);
  std::vector<std::vector<double>> impulse{std::vector<double>(2400)};
  impulse[0][0] = 1;
  const auto expected = reference_response(w, impulse, 2400);
  for (std::size_t o = 0; o < 2; ++o) {
    for (std::size_t n = 0; n < 2400; ++n) ASSERT_NEAR(ir[o][n], expected[o][n], 2e-5) << n;
  }
}

TEST(RuntimeRender, OneInputHearsTheMeanOfTheChannels) {
  const LoadResult made = make_model(testing::random_network({4, 1, 2, 2, 3, 100, 20, 90}, 4));
  ASSERT_EQ(made.error, "");
  const auto stereo = testing::noise(2, 500, 3);
  std::vector<std::vector<float>> mean{std::vector<float>(500)};
  for (std::size_t n = 0; n < 500; ++n) mean[0][n] = stereo[0][n] / 2 + stereo[1][n] / 2;
  const auto a = render(made.model, stereo, 0.01), b = render(made.model, mean, 0.01);
  ASSERT_EQ(a[0].size(), 980u);
  for (std::size_t n = 0; n < a[0].size(); ++n) ASSERT_NEAR(a[1][n], b[1][n], 1e-5);
}

}  // namespace
}  // namespace diffverb::runtime
