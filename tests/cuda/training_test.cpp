#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/log.h"
#include "tests/cuda/cuda_fixture.h"
#include "tests/scratch.h"
#include "tests/train/tiny_training.h"
#include "train/training/checkpoint.h"

namespace diffverb {
namespace {

Overlays operator+(Overlays a, const Overlays& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Checkpoint end_of(const Scratch& scratch, const std::string& name) {
  return load_checkpoint(scratch / (name + "/checkpoint.safetensors"));
}

std::vector<double> losses_of(const Scratch& scratch, const std::string& name) {
  std::vector<double> out;
  std::istringstream text(read_text(scratch / (name + "/losses.jsonl")));
  for (std::string line; std::getline(text, line);) out.push_back(nlohmann::json::parse(line)["loss"]);
  return out;
}

void expect_near(const Checkpoint& one, const Checkpoint& other, double tolerance) {
  ASSERT_EQ(one.tensors.size(), other.tensors.size());
  for (const auto& [name, tensor] : other.tensors) {
    if (name == "rng") continue;
    EXPECT_LT(distance(one.tensor(name), tensor), tolerance) << name;
  }
}

std::string log_of(const Scratch& scratch, const std::string& name) { return read_text(scratch / (name + "/log")); }

const Overlays kGpu = {"device=cuda"};

TEST_F(CUDA, TrainsAsTheCpuDoes) {
  const Scratch scratch;
  train(scratch, "cpu", {});
  train(scratch, "gpu", kGpu);
  train(scratch, "launches", kGpu + Overlays{"train.graph=false"});
  expect_near(end_of(scratch, "gpu"), end_of(scratch, "cpu"), 1e-3);
  expect_near(end_of(scratch, "launches"), end_of(scratch, "cpu"), 1e-3);
  EXPECT_EQ(losses_of(scratch, "gpu").size(), losses_of(scratch, "cpu").size());
}

TEST_F(CUDA, AGraphTrainsAsSingleLaunchesDo) {
  const Scratch scratch;
  const Overlays spectral = kGpu + spectral_overlays() + Overlays{"train.epochs=4"};
  train(scratch, "graph", spectral);
  train(scratch, "launches", spectral + Overlays{"train.graph=false"});
  EXPECT_EQ(log_of(scratch, "graph").find("no CUDA graph"), std::string::npos) << log_of(scratch, "graph");
  const auto graph = losses_of(scratch, "graph"), launches = losses_of(scratch, "launches");
  ASSERT_EQ(graph.size(), 12u);
  for (std::size_t i = 0; i < graph.size(); ++i) EXPECT_NEAR(graph[i], launches[i], 1e-2 * launches[i]) << i;
}

TEST_F(CUDA, Bfloat16TrainsToALossNearFloat32s) {
  const Scratch scratch;
  const Overlays spectral = kGpu + spectral_overlays() + Overlays{"train.epochs=6"};
  train(scratch, "fp32", spectral);
  train(scratch, "bf16", spectral + Overlays{"train.precision=bf16"});
  const auto full = losses_of(scratch, "fp32"), half = losses_of(scratch, "bf16");
  ASSERT_EQ(full.size(), half.size());
  EXPECT_NEAR(half.front(), full.front(), 0.05 * full.front());
  EXPECT_NEAR(half.back(), full.back(), 0.25 * full.back());
  EXPECT_LT(half.back(), half.front());
  EXPECT_NE(half, full) << "nothing was computed in bfloat16";
}

TEST_F(CUDA, ResumesToWhereAnUninterruptedRunEnds) {
  namespace fs = std::filesystem;
  const Scratch scratch;
  train(scratch, "whole", kGpu + Overlays{"train.keep=100"});
  fs::copy(scratch / "whole", scratch / "parts", fs::copy_options::recursive);
  fs::remove(scratch / "parts/checkpoint.safetensors");
  for (int step = 18; step <= 36; step += 2) {
    char name[64];
    std::snprintf(name, sizeof name, "parts/checkpoint_%08d.safetensors", step);
    fs::remove(scratch / name);
  }
  train(scratch, "parts", {}, true);  // from step 16 on
  const auto whole = losses_of(scratch, "whole"), parts = losses_of(scratch, "parts");
  ASSERT_EQ(parts.size(), 36u);
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i], whole[i], 1e-3 * whole[i]) << i;
  expect_near(end_of(scratch, "parts"), end_of(scratch, "whole"), 1e-3);
}

TEST_F(CUDA, ARunOfTheGpuGoesOnOnTheCpu) {
  const Scratch scratch;
  train(scratch, "run", kGpu);
  train(scratch, "run", {"device=cpu"}, true);
  EXPECT_EQ(losses_of(scratch, "run").size(), 36u);
}

TEST_F(CUDA, ANumberThatIsNoneIsNamedAndEndsTheRun) {
  const Scratch scratch;
  for (const char* graph : {"true", "false"}) {
    try {
      train(scratch, std::string("run") + graph,
            kGpu + Overlays{"model.nan_loss_above=1e-9", std::string("train.graph=") + graph});
      FAIL() << "no error";
    } catch (const NumericError& error) {
      EXPECT_NE(std::string(error.what()).find("tiny response"), std::string::npos) << error.what();
    }
    log().close_file();
    log().set_level(LogLevel::kInfo);
  }
}

}  // namespace
}  // namespace diffverb
