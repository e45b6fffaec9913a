#include "models/fdn.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/isfinite.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/fields.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "runtime/weights.h"
#include "tests/rooms.h"
#include "tests/scratch.h"
#include "train/export.h"

namespace diffverb {
namespace {

std::unique_ptr<Fdn> make_fdn(const std::string& yaml) {
  Fields fields = Fields::from_text(yaml);
  auto model = std::make_unique<Fdn>(fields);
  fields.finish();
  return model;
}

std::unique_ptr<Fdn> designed(const std::string& yaml, const NoiseRoom& room) {
  auto model = make_fdn(yaml);
  model->design(room.tensor(), room.rate_hz, 5);
  return model;
}

TEST(FdnModel, RefusesWhatNoNetworkHasWithItsPlaceInOneLine) {
  const std::pair<const char*, const char*> cases[] = {{"{lines: 0}", "lines"},
                                                       {"{lines: -3}", "lines"},
                                                       {"{lines: 65}", "lines"},
                                                       {"{lines: 2.5}", "lines"},
                                                       {"{lines: .nan}", "lines"},
                                                       {"{lines: [4]}", "lines"},
                                                       {"{early_ms: -1}", "early_ms"},
                                                       {"{longest_s: -2}", "longest_s"},
                                                       {"{matrix: {type: orthogonal_ex}}", "orthogonal_exp"},
                                                       {"{delays: [1, 2]}", "delays"}};
  for (const auto& [yaml, word] : cases) {
    try {
      make_fdn(yaml);
      ADD_FAILURE() << "accepted: " << yaml;
    } catch (const ConfigError& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find(word), std::string::npos) << what;
      EXPECT_NE(what.find(":1:"), std::string::npos) << what;  // line and column
      EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    }
  }
}

TEST(FdnModel, PlaysTheEarlyPartExactlyAndNothingButTheNetworkAfterIt) {
  const NoiseRoom room{.channels = 2};
  const auto model = designed("{lines: 8, early_ms: 40, crossfade_ms: 10}", room);
  const auto ir = model->forward().ir()[0];
  const std::int64_t exact = 0.030 * 16000, early = 0.040 * 16000;
  EXPECT_LT((ir.slice(1, 0, exact) - room.tensor().slice(1, 0, exact)).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(model->early_part().size(1), early);

  const DelayNetwork network = model->network();
  at::NoGradGuard no_grad;
  auto alone = impulse_response(network, model->samples()).squeeze(1);
  // Through the equaliser by its difference equation, as a check of the model's own Fourier transform.
  const auto sos = model->output_sos();
  for (std::int64_t c = 0; c < 2; ++c) {
    auto* y = alone[c].data_ptr<float>();
    for (std::int64_t s = 0; s < sos.size(1); ++s) {
      const auto q = sos[c][s].contiguous();
      const double* k = q.data_ptr<double>();
      double z1 = 0, z2 = 0;
      for (std::int64_t n = 0; n < model->samples(); ++n) {
        const double x = y[n], out = k[0] * x + z1;
        z1 = k[1] * x - k[3] * out + z2;
        z2 = k[2] * x - k[4] * out;
        y[n] = static_cast<float>(out);
      }
    }
  }
  const auto tail = ir.slice(1, early), expected = alone.slice(1, early);
  EXPECT_LT(((tail - expected).norm() / expected.norm()).item<double>(), 1e-3);
}

TEST(FdnModel, StartsNearTheRoomBeforeAnyTraining) {
  const NoiseRoom room{.seconds = 1.4, .t60_s = 0.7};
  const auto model = designed("{lines: 16}", room);
  at::NoGradGuard no_grad;
  const auto ir = model->forward().ir()[0][0].to(at::kDouble), target = room.tensor()[0];
  for (const double t : {0.1, 0.2, 0.3, 0.4}) {
    const auto from = static_cast<std::int64_t>(t * room.rate_hz);
    const auto rest = [&](const at::Tensor& x) {
      return 10 * std::log10(x.slice(0, from).square().sum().item<double>());
    };
    EXPECT_NEAR(rest(ir), rest(target), 2.0) << t;
  }
}

TEST(FdnModel, EveryParameterHasAFiniteGradient) {
  for (const char* yaml :
       {"{lines: 6, early_ms: 20}", "{lines: 6, early_ms: 20, groups: 2}",
        "{lines: 6, early_ms: 20, learn_delays: true}", "{lines: 8, early_ms: 0, matrix: {type: householder}}",
        "{lines: 8, early_ms: 20, matrix: {type: cayley}}"}) {
    const NoiseRoom room{.seconds = 1.2, .t60_s = 0.3, .late_t60_s = 1.0, .late_db = -15, .channels = 2};
    const auto model = designed(yaml, room);
    (model->forward().ir().square().sum() + model->forward().get("feedback_matrix").pow(4).sum()).backward();
    EXPECT_GE(model->parameters().size(), 4u);
    for (const auto& [name, tensor] : model->parameters()) {
      ASSERT_TRUE(tensor.grad().defined()) << yaml << " " << name;
      EXPECT_TRUE(at::isfinite(tensor.grad()).all().item<bool>()) << yaml << " " << name;
      EXPECT_GT(tensor.grad().abs().max().item<double>(), 0) << yaml << " " << name;
    }
  }
}

/// What an optimiser that runs away could do: parameters thrown far from where they belong. The runtime's own proof of
/// stability (runtime/stability.h) is the judge, and the sound must die away.
TEST(FdnModel, NoParametersMakeItUnstable) {
  const NoiseRoom room{.channels = 2};
  Random random(11);
  for (int trial = 0; trial < 24; ++trial) {
    const auto model = designed(trial % 2 ? "{lines: 8, early_ms: 20}" : "{lines: 8, early_ms: 20, groups: 2}", room);
    at::NoGradGuard no_grad;
    const double size = std::pow(10.0, random.uniform(-2, 1.3));
    for (const auto& [name, tensor] : model->parameters()) {
      auto noise = at::empty_like(tensor).flatten();
      for (std::int64_t i = 0; i < noise.size(0); ++i) noise[i] = random.normal();
      const double scale = name == "eq_db" ? std::min(2 * size, 12.0) : size;
      tensor.add_(noise.reshape(tensor.sizes()), scale);
    }
    const Scratch scratch;
    ASSERT_NO_THROW(export_room(*model, scratch / "weights.safetensors", {1.0, "", "test"})) << "size " << size;
    const auto loaded = runtime::load_model(scratch / "weights.safetensors");
    ASSERT_TRUE(loaded.model) << loaded.error;
    const auto a = model->network().a;
    EXPECT_LT((a.matmul(a.t()) - at::eye(8)).abs().max().item<double>(), 1e-5) << "size " << size;
    const auto plain = impulse_response(model->network(), 4 * 16000).squeeze(1).square();
    EXPECT_TRUE(at::isfinite(plain).all().item<bool>());
    EXPECT_LE(plain.slice(1, 3 * 16000).sum().item<double>(), plain.slice(1, 0, 16000).sum().item<double>())
        << "size " << size;
  }
}

TEST(FdnModel, GroupsFollowTwoSlopesAndDoNotMix) {
  const NoiseRoom room{.seconds = 3, .t60_s = 0.5, .late_t60_s = 2.4, .late_db = -18};
  const auto model = designed("{lines: 12}", room);
  ASSERT_EQ(model->room().slopes.size(), 2u);
  const auto a = model->network().a.detach();
  EXPECT_EQ(a.slice(0, 0, 6).slice(1, 6).abs().max().item<double>(), 0);
  EXPECT_EQ(a.slice(0, 6).slice(1, 0, 6).abs().max().item<double>(), 0);
  EXPECT_TRUE(model->parameters().contains("decay_rates.1"));
}

TEST(FdnModel, LinesStayTogetherWhereHalfOfThemHaveNoMatrix) {
  const NoiseRoom room{.seconds = 3, .t60_s = 0.5, .late_t60_s = 2.4, .late_db = -18};
  EXPECT_EQ(designed("{lines: 14, matrix: {type: conference}}", room)->room().slopes.size(), 1u);
  EXPECT_EQ(designed("{lines: 16, matrix: {type: hadamard}}", room)->room().slopes.size(), 2u);
  EXPECT_THROW(designed("{lines: 14, groups: 2, matrix: {type: conference}}", room), ConfigError);
}

TEST(FdnModel, TheSameSeedIsTheSameModel) {
  const NoiseRoom room;
  const auto first = designed("{lines: 8}", room), second = designed("{lines: 8}", room);
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(first->forward().ir(), second->forward().ir()));
}

TEST(FdnModel, RefusesMatricesThatDoNotExist) {
  auto model = make_fdn("{lines: 12, matrix: {type: hadamard}}");
  const NoiseRoom room;
  EXPECT_THROW(model->design(room.tensor(), room.rate_hz, 1), ConfigError);
  EXPECT_THROW(make_fdn("{lines: 1}"), ConfigError);
  EXPECT_THROW(make_fdn("{early_ms: 81}"), ConfigError);
}

}  // namespace
}  // namespace diffverb
