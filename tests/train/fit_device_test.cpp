// `--device` of fit and train where there is no GPU to be had; with one, tests/cuda has the word.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/audio_file.h"
#include "core/device/device.h"
#include "tests/program.h"
#include "tests/rooms.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

struct Said {
  int code = 0;
  std::string err;
};

/// In a process of its own: a GPU's module is loaded once and stays.
Said run(const Scratch& scratch, const std::vector<std::string>& arguments, const char* module = nullptr) {
  if (module) ::setenv("DIFFVERB_CUDA_MODULE", module, 1);
  Program program(DIFFVERB_PROGRAM, arguments, scratch.path());
  ::unsetenv("DIFFVERB_CUDA_MODULE");
  const int code = program.wait();
  return {code, program.err()};
}

class FitDevice : public testing::Test {
 protected:
  void SetUp() override { write_audio(scratch / "room.wav", NoiseRoom{.seconds = 0.5, .t60_s = 0.3}.audio()); }
  std::vector<std::string> fit(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"fit",   (scratch / "room.wav").string(),
                                    "--out", (scratch / name).string(),
                                    "--set", "model.lines=8",
                                    "--set", "train.steps=5"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Scratch scratch;
};

TEST_F(FitDevice, AGpuThatIsNotThereIsOneLineAndNoFolder) {
  const std::string absent = (scratch / "absent.so").string();
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"--device", "cuda"}, std::vector<std::string>{"--set", "device=cuda"}}) {
    const Said said = run(scratch, fit("run", asked), absent.c_str());
    EXPECT_EQ(said.code, 1);
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
    for (const std::string& part : {std::string("device: cuda"), std::string("not found"), absent})
      EXPECT_NE(said.err.find(part), std::string::npos) << said.err;
    EXPECT_FALSE(fs::exists(scratch / "run"));
  }
}

TEST_F(FitDevice, AnUnknownDeviceComesWithTheKnownOnes) {
  const Said option = run(scratch, fit("run", {"--device", "gpu"})),
             overlay = run(scratch, fit("run", {"--set", "device=gpu"}));
  for (const Said& said : {option, overlay}) {
    EXPECT_EQ(said.code, 1);
    for (const char* word : {"cpu", "cuda", "auto"}) EXPECT_NE(said.err.find(word), std::string::npos) << said.err;
  }
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST_F(FitDevice, AutoIsTheCpuWithoutAGpuAndStandsInTheResolvedConfig) {
  if (has_cuda_driver()) GTEST_SKIP() << "there is an NVIDIA driver here";
  const Said chosen = run(scratch, fit("auto", {"--device", "auto"}));
  ASSERT_EQ(chosen.code, 0) << chosen.err;
  EXPECT_NE(read_text(scratch / "auto/log").find("device: auto is cpu (no NVIDIA driver"), std::string::npos);
  const std::string resolved = read_text(scratch / "auto/config.resolved.yaml");
  EXPECT_NE(resolved.find("device: cpu"), std::string::npos) << resolved;
  ASSERT_EQ(run(scratch, fit("cpu", {"--device", "cpu"})).code, 0);
  EXPECT_EQ(read_text(scratch / "cpu/config.resolved.yaml"), resolved);
  EXPECT_EQ(read_text(scratch / "cpu/weights.safetensors"), read_text(scratch / "auto/weights.safetensors"));
}

TEST_F(FitDevice, TheOptionGoesBeforeTheOverlay) {
  const std::string absent = (scratch / "absent.so").string();
  const Said said = run(scratch, fit("run", {"--set", "device=cuda", "--device", "cpu"}), absent.c_str());
  EXPECT_EQ(said.code, 0) << said.err;
}

TEST_F(FitDevice, TrainTakesTheOptionToo) {
  write_text(scratch / "c.yaml",
             "data: {type: rirs, files: [none.h5], seconds: 1}\nmodel: {type: spectral_autoencoder}\n"
             "losses: [{type: mse, of: spectrogram}]\n");
  const std::string absent = (scratch / "absent.so").string();
  const std::vector<std::string> arguments = {"train", (scratch / "c.yaml").string(), "--out",
                                              (scratch / "run").string(), "--device"};
  const auto with = [&](const char* word) {
    auto all = arguments;
    all.emplace_back(word);
    return all;
  };
  const Said cuda = run(scratch, with("cuda"), absent.c_str());
  EXPECT_EQ(cuda.code, 1);
  EXPECT_NE(cuda.err.find("device: cuda"), std::string::npos) << cuda.err;
  if (has_cuda_driver()) return;
  const Said chosen = run(scratch, with("auto"), absent.c_str());
  EXPECT_EQ(chosen.code, 2) << "it goes on, to the data that are missing";
  EXPECT_NE(chosen.err.find("none.h5"), std::string::npos) << chosen.err;
}

}  // namespace
}  // namespace diffverb
