#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/device/cuda_module.h"
#include "core/device/operator_watch.h"
#include "tests/cuda/cuda_fixture.h"
#include "tests/scratch.h"
#include "tests/train/fit_steps.h"
#include "train/fit/fit_batch.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

FitOutcome fit(const Scratch& scratch, const std::string& name, const std::vector<std::string>& more) {
  FitOptions options;
  options.input = scratch / "room.wav";
  options.out = scratch / name;
  options.overlays = {"model.lines=12", "train.steps=40", "train.rate=0.04"};
  options.overlays.insert(options.overlays.end(), more.begin(), more.end());
  return fit_response(options);
}

nlohmann::json metrics_of(const fs::path& run) { return nlohmann::json::parse(read_text(run / "metrics.json")); }

void write_room(const Scratch& scratch, const std::string& name, std::uint64_t seed) {
  write_audio(scratch / name, NoiseRoom{.seconds = 1.0, .t60_s = 0.6, .channels = 2, .seed = seed}.audio());
}

class CUDAFit : public OnGpu<testing::TestWithParam<std::vector<std::string>>> {};

TEST_P(CUDAFit, AStepGivesWhatTheCpusGives) {
  auto overlays = GetParam();
  overlays.emplace_back("train.graph=false");
  FitSteps here(overlays), there(overlays, at::kCUDA);
  const double loss = here.step();
  EXPECT_NEAR(there.step(), loss, 1e-3 * loss);
  for (const auto& [name, gradient] : here.gradients())
    EXPECT_LT(distance(there.gradients().at(name), gradient), 5e-3) << name;
}

TEST_P(CUDAFit, AStepAsksTheDeviceForNothing) {
  auto overlays = GetParam();
  overlays.emplace_back("train.graph=false");
  FitSteps steps(overlays, at::kCUDA);
  steps.loop().step();
  const OperatorWatch watch;
  const auto values = steps.loop().step();
  EXPECT_TRUE(watch.waiting().empty()) << joined(watch.waiting());
  EXPECT_TRUE(values.isfinite().all().item<bool>());
}

TEST_P(CUDAFit, AsAGraphIsWhatItIsLaunchByLaunch) {
  auto overlays = GetParam();
  FitSteps graph(overlays, at::kCUDA);
  overlays.emplace_back("train.graph=false");
  FitSteps launches(overlays, at::kCUDA);
  testing::internal::CaptureStderr();
  for (int k = 0; k < 12; ++k) {
    const double loss = launches.step();
    EXPECT_NEAR(graph.step(), loss, 2e-3 * loss) << k;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "it could be recorded";
}

INSTANTIATE_TEST_SUITE_P(Each, CUDAFit,
                         testing::Values(std::vector<std::string>{}, std::vector<std::string>{"model.groups=2"},
                                         std::vector<std::string>{"model.learn_delays=true"},
                                         std::vector<std::string>{"model.matrix.type=householder"}));

TEST_F(CUDA, AFitComesAsNearAsOnTheCpu) {
  const Scratch scratch;
  write_room(scratch, "room.wav", 1);
  fit(scratch, "cpu", {});
  fit(scratch, "gpu", {"device=cuda"});
  EXPECT_EQ(read_text(scratch / "gpu/log").find("no CUDA graph"), std::string::npos) << read_text(scratch / "gpu/log");
  const auto cpu = metrics_of(scratch / "cpu"), gpu = metrics_of(scratch / "gpu");
  EXPECT_LT(gpu["median"]["t_error_pct"].get<double>(), cpu["median"]["t_error_pct"].get<double>() + 1);
  EXPECT_LT(gpu["edc_mae_db"].get<double>(), cpu["edc_mae_db"].get<double>() + 0.3);
  EXPECT_LT(std::abs(gpu["level_offset_db"].get<double>()), 0.5);
}

TEST_F(CUDA, AutoIsTheGpu) {
  const Scratch scratch;
  write_room(scratch, "room.wav", 1);
  fit(scratch, "run", {"device=auto", "train.steps=5"});
  EXPECT_NE(read_text(scratch / "run/config.resolved.yaml").find("device: cuda"), std::string::npos);
  EXPECT_NE(read_text(scratch / "run/log").find("device: auto is cuda"), std::string::npos);
}

TEST_F(CUDA, ABatchOfRoomsIsFittedAtOnce) {
  const Scratch scratch;
  std::vector<BatchRoom> rooms;
  for (std::uint64_t k = 1; k <= 3; ++k) {
    const std::string name = "room" + std::to_string(k);
    write_room(scratch, name + ".wav", k);
    rooms.push_back({scratch / (name + ".wav"), scratch / name});
  }
  FitOptions shared;
  shared.overlays = {"model.lines=12", "train.steps=20", "train.rate=0.04", "device=cuda"};
  const BatchOutcome outcome = fit_batch(rooms, shared, 3);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.done.size(), 3u);
  for (const BatchRoom& room : rooms)
    EXPECT_LT(metrics_of(room.folder)["median"]["t_error_pct"].get<double>(), 5) << room.folder;
}

}  // namespace
}  // namespace diffverb
