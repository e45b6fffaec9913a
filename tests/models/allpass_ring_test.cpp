#include <ATen/ops/allclose.h>
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>

#include <numbers>

#include "core/error.h"
#include "tests/models/plain_reverb.h"

namespace diffverb {
namespace {

const char* const kSingle = "{outer_ms: 35, gain: 0.3, inner_ms: [22], inner_gain: [0.4]";

TEST(NestedAllpass, PassesAllFrequenciesAlike) {
  for (const std::string nesting : {"contains", "series"}) {
    for (const std::string rest :
         {", inner_ms: [22], inner_gain: [0.4]", ", inner_ms: [22, 8.3], inner_gain: [0.7, -0.6]"}) {
      const auto network = reverb_network("nested_allpass", 48000, "{gain: 0.5, nesting: " + nesting + rest + "}");
      const auto h = frequency_response(network, at::linspace(0.001, 3.14, 2001, at::kDouble)).abs();
      EXPECT_LT((h - 1).abs().max().item<double>(), 1e-4) << nesting << rest;
    }
  }
}

TEST(NestedAllpass, ContainsItsInnerAllpassInTheOuterDelay) {
  // 10 kHz: 350 samples hold 220. Round the outer lattice: 130 past the inner one (-0.4), 350 through it (1 - 0.4^2).
  const auto h = reverb_response("nested_allpass", 10000, 400, std::string(kSingle) + "}").reshape({-1});
  EXPECT_EQ(first_echoes(h, 4), (std::vector<std::int64_t>{0, 130, 260, 350}));
  EXPECT_NEAR(h[0].item<double>(), -0.3, 1e-7);
  EXPECT_NEAR(h[130].item<double>(), -0.4 * (1 - 0.09), 1e-7);
  EXPECT_NEAR(h[260].item<double>(), 0.16 * 0.3 * (1 - 0.09), 1e-7);
  EXPECT_NEAR(h[350].item<double>(), (1 - 0.16) * (1 - 0.09), 1e-7);
}

TEST(NestedAllpass, InSeriesItsEchoesComeLater) {
  const auto h =
      reverb_response("nested_allpass", 10000, 800, std::string(kSingle) + ", nesting: series}").reshape({-1});
  EXPECT_EQ(first_echoes(h, 4), (std::vector<std::int64_t>{0, 350, 570, 700}));
  EXPECT_NEAR(h[350].item<double>(), -0.4 * (1 - 0.09), 1e-7);
  EXPECT_NEAR(h[570].item<double>(), (1 - 0.16) * (1 - 0.09), 1e-7);
}

TEST(NestedAllpass, IsWhatMikelsonsLoopsPlay) {
  // Csound, figure 24.4: the outer delay line without its inner ones, then the two inner allpasses, each in its own line.
  const long m = 350 - 220 - 83;
  PlainLine outer(m), first(220), second(83);
  std::vector<double> expected;
  for (int n = 0; n < 10000; ++n) {
    const double in = n == 0, own = outer.read();
    const double sum1 = first.read() - 0.4 * own, sum2 = second.read() - 0.6 * sum1, out = sum2 - 0.3 * in;
    outer.write(in + 0.3 * out);
    first.write(own + 0.4 * sum1);
    second.write(sum1 + 0.6 * sum2);
    expected.push_back(out);
  }
  // His lattice has y = D - g x, v = x + g y: the same transfer function as v = x + g D, y = D - g v, but for the factor
  // 1 - g^2 that stands in the line there, and with it the same response.
  EXPECT_LT(distance(reverb_response("nested_allpass", 10000, 10000), expected), 1e-6);
}

TEST(NestedAllpass, GrowsDenserWhereAPlainAllpassDoesNot) {
  const auto echoes = [](const at::Tensor& h, std::int64_t from, std::int64_t to) {
    return h.reshape({-1}).narrow(0, from, to - from).abs().gt(1e-9).sum().item<std::int64_t>();
  };
  const auto nested = reverb_response("nested_allpass", 48000, 24000, "{gain: 0.6}");
  EXPECT_GT(echoes(nested, 12000, 16000), 5 * echoes(nested, 1, 4001));
  const auto plain = reverb_response("allpass_ring", 48000, 24000,
                                     "{allpass_ms: [35], delay_ms: [0], inner_ms: [0], second_inner_ms: [0], tap: [1], "
                                     "allpass_gain: [0.6], feedback: 0}");
  EXPECT_LE(echoes(plain, 12000, 16000), echoes(plain, 1, 4001) + 1);
}

TEST(NestedAllpass, SaysWhatDoesNotFit) {
  EXPECT_THROW(make_reverb("nested_allpass", "{outer_ms: 20}"), ConfigError);
  EXPECT_NO_THROW(make_reverb("nested_allpass", "{outer_ms: 20, nesting: series}"));
  EXPECT_THROW(make_reverb("nested_allpass", "{inner_ms: [1, 2, 3]}"), ConfigError);
  EXPECT_THROW(make_reverb("nested_allpass", "{nesting: beside}"), ConfigError);
}

TEST(AllpassRing, WithGardnersNumbersIsGardnersRoom) {
  const std::string small =
      "{delay_ms: [24, 0], allpass_ms: [35, 66], allpass_gain: [0.3, 0.1], inner_ms: [22, 30], inner_gain: [0.4, 0.4], "
      "second_inner_ms: [8.3, 0], second_inner_gain: [0.6, 0], tap: [0.5, 0.5], feedback: 0.37, lowpass_hz: 4200}";
  const std::string large =
      "{delay_ms: [0, 0, 4, 17, 31, 3], allpass_ms: [8, 12, 0, 87, 0, 120], allpass_gain: [0.3, 0.3, 0, 0.5, 0, 0.5], "
      "inner_ms: [0, 0, 0, 62, 0, 76], inner_gain: [0, 0, 0, 0.25, 0, 0.25], second_inner_ms: [0, 0, 0, 0, 0, 30], "
      "second_inner_gain: [0, 0, 0, 0, 0, 0.25], tap: [0, 0, 0.34, 0, 0.14, 0.14], feedback: 0.37, lowpass_hz: 2600}";
  const auto ring_small = reverb_response("allpass_ring", 48000, 24000, small);
  EXPECT_TRUE(at::allclose(ring_small, reverb_response("gardner", 48000, 24000, "{room: small, gain: 0.37}")));
  const auto ring_large = reverb_response("allpass_ring", 48000, 24000, large);
  EXPECT_TRUE(at::allclose(ring_large, reverb_response("gardner", 48000, 24000, "{room: large, gain: 0.37}")));
}

TEST(AllpassRing, DecaysInTheTimeThatIsAskedFor) {
  for (const double t60 : {1.2, 2.0}) {
    const auto network = reverb_network("allpass_ring", 48000, "t60_s: " + std::to_string(t60));
    EXPECT_NEAR(decay_time_of(network, 2 * t60), t60, 0.05 * t60);
  }
}

TEST(AllpassRing, SaysWhatDoesNotFit) {
  EXPECT_THROW(make_reverb("allpass_ring", "{allpass_ms: [20, 30]}"), ConfigError) << "the first holds 31 ms";
  EXPECT_THROW(make_reverb("allpass_ring", "{allpass_ms: [0], delay_ms: [0], inner_ms: [0], second_inner_ms: [0]}"),
               ConfigError)
      << "no delay at all";
  EXPECT_THROW(make_reverb("allpass_ring", "{allpass_ms: []}"), ConfigError);
}

}  // namespace
}  // namespace diffverb
