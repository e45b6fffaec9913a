// What every registered reverberator that is one delay network keeps to. A new one is tested without a line here.
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_real.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/seed.h"
#include "core/solvers/solvers.h"
#include "core/tensor.h"
#include "models/fitted_reverb.h"
#include "models/network_model.h"
#include "runtime/render.h"
#include "tests/core/solvers/network_fixture.h"
#include "tests/models/contract/minimal_config.h"
#include "train/export.h"
#include "train/network_config.h"

namespace diffverb {
namespace {

constexpr double kRate = 8000;  // low, so that a second is short

/// A registered model as it is without a config, or, of another name, as configs/reverbs has it.
std::unique_ptr<Model> make_model(const std::string& name, const std::vector<std::string>& overlays = {}) {
  if (family<Model>().has(name)) {
    Fields fields = Fields::from_text(minimal_config(name), "config", overlays);
    return family<Model>().make(name, fields);
  }
  std::vector<std::string> of_model;
  for (const auto& overlay : overlays) of_model.push_back("model." + overlay);
  Fields fields = Fields::from_file(DIFFVERB_SOURCE_DIR "/configs/reverbs/" + name + ".yaml", of_model);
  Fields map = fields.map("model");
  return family<Model>().make(map);
}

std::vector<std::string> network_models() {
  std::vector<std::string> names;
  for (const auto& name : family<Model>().names()) {
    if (dynamic_cast<NetworkModel*>(make_model(name).get())) names.push_back(name);
  }
  // One model in several forms.
  for (const char* config : {"filter_fdn", "rotating_fdn", "dynamic_eigenvalues"}) names.push_back(config);
  return names;
}

class ContractNetworks : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Model> made = make_model(GetParam());
  NetworkModel& model = dynamic_cast<NetworkModel&>(*made);

  DelayNetwork network(at::ScalarType dtype = at::kDouble) const { return model.network(kRate, dtype); }
};

TEST_P(ContractNetworks, BothSolversAndTheEngineGiveOneResponse) {
  const at::NoGradGuard no_grad;
  const std::int64_t samples = 4000, fft_size = 1 << 15;
  const auto one = network().from_one_input();
  const auto by_time = impulse_response(one, samples).squeeze(1);
  const auto by_fft = impulse_response_by_fft(one, fft_size, 200).squeeze(1).slice(1, 0, samples);
  EXPECT_LT(relative_error(by_fft, by_time), 1e-5);

  const auto loaded = runtime::make_model(to_weights(network(at::kFloat)));
  ASSERT_TRUE(loaded.model) << loaded.error;
  const auto played = runtime::render_impulse(loaded.model, static_cast<double>(samples) / kRate);
  for (std::size_t o = 0; o < played.size(); ++o) {
    const auto engine = at::tensor(played[o]).slice(0, 0, samples).to(at::kDouble);
    EXPECT_LT(largest(engine - by_time[static_cast<std::int64_t>(o)]), 1e-4 * largest(by_time)) << "output " << o;
  }
}

TEST_P(ContractNetworks, TheGradientOfItsNumbersIsThatOfFiniteDifferences) {
  const auto omega = at::linspace(0.02, 3.1, 61, at::kDouble);
  const auto score = [&] {
    const auto h = at::view_as_real(frequency_response(model.network(48000, at::kDouble), omega, 1.002)).reshape({-1});
    return (h * at::linspace(-1, 1.3, h.numel(), at::kDouble)).sum() + 0.1 * h.square().sum();
  };
  const auto parameters = model.parameters();
  ASSERT_FALSE(parameters.empty());
  std::vector<at::Tensor> leaves;
  for (const auto& [name, leaf] : parameters) {
    const at::NoGradGuard no_grad;
    leaf.mul_(0.7);  // away from an end of its range, where it stops
    leaves.push_back(leaf);
  }
  const auto gradients = torch::autograd::grad({score()}, leaves);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto& name = std::next(parameters.begin(), static_cast<std::ptrdiff_t>(i))->first;
    ASSERT_TRUE(gradients[i].isfinite().all().item<bool>()) << name;
    EXPECT_GT(largest(gradients[i]), 0) << name << " changes nothing";
    const auto way = uniform(leaves[i].sizes().vec(), 0.5, 1, 7 + i);
    const auto start = leaves[i].clone();
    const auto at_step = [&](double step) {
      leaves[i].copy_(start + step * way);
      return score().item<double>();
    };
    const double difference = central_difference(at_step, 1e-4);
    leaves[i].copy_(start);
    EXPECT_NEAR(difference, (gradients[i] * way).sum().item<double>(),
                1e-5 * (gradients[i] * way).abs().sum().item<double>() + 1e-9)
        << name;
  }
}

TEST_P(ContractNetworks, IsStableAtEveryEndOfItsRanges) {
  const at::NoGradGuard no_grad;
  Random random(5, "corners");
  for (int corner = 0; corner < 6; ++corner) {
    std::string setting;
    for (const auto& [name, leaf] : model.parameters()) {
      // +-20 is the end of a range to nine digits; the first two corners are all of one kind.
      for (auto value : leaf.reshape({-1}).unbind())
        value.fill_((corner < 2 ? corner == 1 : random.uniform(0, 1) < 0.5) ? 20 : -20);
      setting += name + " ";
    }
    model.set_sample_rate(kRate);
    const auto loaded = runtime::make_model(to_weights(model));  // with what moves
    EXPECT_TRUE(loaded.model) << "corner " << corner << " of " << setting << ": " << loaded.error;
  }
}

TEST_P(ContractNetworks, ForwardIsItsResponseAndReachesItsParameters) {
  const auto small = make_model(GetParam(), {"sample_rate_hz=8000", "seconds=0.3"});
  const auto response = small->forward({});
  EXPECT_EQ(response.ir().size(2), 2400);
  EXPECT_GT(largest(response.ir()), 0);
  response.ir().square().sum().backward();
  for (const auto& [name, leaf] : small->parameters())
    EXPECT_TRUE(leaf.grad().defined() && leaf.grad().isfinite().all().item<bool>()) << name;
}

TEST_P(ContractNetworks, DecaysInTheTimeThatIsAskedFor) {
  if (model.decay_knob().empty()) GTEST_SKIP() << GetParam() << " has no number that sets its decay time";
  const auto asked = make_model(GetParam(), {"sample_rate_hz=16000", "t60_s=1.4"});
  const auto& reverb = dynamic_cast<const NetworkModel&>(*asked);
  EXPECT_NEAR(decay_time_of(reverb.network(16000), 1.82), 1.4, 0.14);
}

INSTANTIATE_TEST_SUITE_P(Contract, ContractNetworks, testing::ValuesIn(network_models()),
                         [](const auto& info) { return info.param; });

TEST(ReverbConfigs, EachIsPlayable) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(DIFFVERB_SOURCE_DIR "/configs/reverbs")) {
    EXPECT_TRUE(playable_model(entry.path(), {"model.sample_rate_hz=16000"})) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3);
}

TEST(ReverbConfigs, TakeTheKeysOfAFitToo) {
  const std::string config = DIFFVERB_SOURCE_DIR "/configs/reverbs/schroeder.yaml";
  const std::vector<std::string> keys{"model.sample_rate_hz=8000", "model.early_ms=30", "model.longest_s=2"};
  EXPECT_TRUE(playable_model(config, keys));
  Fields fields = Fields::from_file(config, keys);
  Fields map = fields.map("model");
  EXPECT_EQ(make_room_model(map)->early_ms(), 30);
}

TEST(ReverbConfigs, ADecayTimeOutOfReachLeavesTheNearerEnd) {
  Fields fields = Fields::from_text("sample_rate_hz: 16000");
  const auto dattorro = family<Model>().make("dattorro", fields);
  auto& plate = dynamic_cast<NetworkModel&>(*dattorro);
  EXPECT_THROW(plate.set_t60(0.06), ConfigError);
  EXPECT_NEAR(plate.knobs().number("decay"), 0.01, 1e-9);
  EXPECT_THROW(plate.set_t60(50), ConfigError);
  EXPECT_GT(plate.knobs().number("decay"), 0.96);
}

TEST(ReverbConfigs, SayWhatIsWrong) {
  const std::string config = DIFFVERB_SOURCE_DIR "/configs/reverbs/schroeder.yaml";
  const auto message = [&](const std::string& overlay) {
    try {
      playable_model(config, {overlay, "model.sample_rate_hz=8000"});
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_NE(message("model.allpass_gain=[0.7]").find("a list of 2 numbers"), std::string::npos);
  EXPECT_NE(message("model.allpass_gain=[0.7, 2]").find("allpass_gain"), std::string::npos);
  EXPECT_NE(message("model.learn=[nothing]").find("there are: allpass_gain"), std::string::npos);
  EXPECT_NE(message("model.type=fdn").find("unknown key 'decay_s'"), std::string::npos);
  EXPECT_NE(message("model.t60_s=50").find("cannot be reached"), std::string::npos);
  EXPECT_NE(message("model.decay=1").find("decay"), std::string::npos);
}

}  // namespace
}  // namespace diffverb
