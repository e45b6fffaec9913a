// What `device: cuda` says where there is no GPU to be had; with a GPU, tests/cuda has the word.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/device/device.h"
#include "core/error.h"
#include "tests/program.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

/// What a training that asks for a GPU writes to stderr, in a process of its own: the module is loaded once.
std::string said(const Scratch& scratch, const std::string& module) {
  write_text(scratch / "c.yaml",
             "device: cuda\ndata: {type: rirs, files: [none.h5], seconds: 1}\nmodel: {type: spectral_autoencoder}\n"
             "losses: [{type: mse, of: spectrogram}]\n");
  if (module.empty()) {
    ::unsetenv("DIFFVERB_CUDA_MODULE");
  } else {
    ::setenv("DIFFVERB_CUDA_MODULE", module.c_str(), 1);
  }
  Program program(DIFFVERB_PROGRAM, {"train", (scratch / "c.yaml").string(), "--out", (scratch / "run").string()},
                  scratch.path());
  ::unsetenv("DIFFVERB_CUDA_MODULE");
  EXPECT_EQ(program.wait(), 1);
  EXPECT_FALSE(std::filesystem::exists(scratch / "run"));
  return program.err();
}

void expect_one_line_with(const std::string& text, const std::vector<std::string>& parts) {
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

TEST(CudaModule, ThatIsNotThereIsSaidWithWhereItWasLookedFor) {
  const Scratch scratch;
  const std::string path = (scratch / "absent.so").string();
  expect_one_line_with(said(scratch, path), {"device: cuda", "not found", path, "nvcc"});
}

TEST(CudaModule, ThatDoesNotLoadIsSaidWithTheReasonAndWhatToInstall) {
  const Scratch scratch;
  write_text(scratch / "text.so", "no library");
  expect_one_line_with(said(scratch, (scratch / "text.so").string()),
                       {"text.so does not load", "LibTorch 2.11.0 with CUDA", "LD_LIBRARY_PATH"});
}

TEST(CudaModule, ThatIsAnotherLibraryIsRefused) {
  const Scratch scratch;
  expect_one_line_with(said(scratch, "libm.so.6"), {"not found"});  // a path, not a name to search for
  for (const char* library : {"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6", "/lib/libm.so.6"}) {
    if (!std::filesystem::exists(library)) continue;
    expect_one_line_with(said(scratch, library), {"belongs to another build", "diffverb"});
    return;
  }
  GTEST_SKIP() << "no libm.so.6 in a known place";
}

TEST(CudaModule, WithoutADriverSaysThatNoGpuCanBeUsed) {
  if (has_cuda_driver()) GTEST_SKIP() << "there is an NVIDIA driver here";
  const std::filesystem::path module = std::filesystem::path(DIFFVERB_PROGRAM).parent_path() / "libdiffverb_cuda.so";
  if (!std::filesystem::exists(module)) GTEST_SKIP() << "the CUDA module was not built";
  const Scratch scratch;
  const std::string text = said(scratch, "");
  // The module's own libraries may be missing where no GPU is; then that is what is said.
  const bool lacks_libraries = text.find("does not load") != std::string::npos;
  expect_one_line_with(text, {"device: cuda", lacks_libraries ? "pip install torch" : "NVIDIA driver"});
}

TEST(CudaModule, IsLookedForWhereTheVariableSaysAlone) {
  ::setenv("DIFFVERB_CUDA_MODULE", "/a/b.so", 1);
  const auto named = cuda_module_places();
  ::unsetenv("DIFFVERB_CUDA_MODULE");
  ASSERT_EQ(named.size(), 1u);
  EXPECT_EQ(named[0], "/a/b.so");
  for (const auto& place : cuda_module_places()) EXPECT_EQ(place.filename(), "libdiffverb_cuda.so");
}

TEST(Device, KnowsCpuAndCudaAlone) {
  EXPECT_TRUE(choose_device("cpu").is_cpu());
  EXPECT_THROW(choose_device("gpu"), ConfigError);
}

}  // namespace
}  // namespace diffverb
