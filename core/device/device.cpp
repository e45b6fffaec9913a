#include "core/device/device.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/tensor.h>
#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "core/device/cuda_module.h"
#include "core/error.h"

namespace diffverb {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "libdiffverb_cuda.so";
constexpr const char* kInstall =
    "LibTorch 2.11.0 with CUDA: pip install torch==2.11.0, then LD_LIBRARY_PATH=<its torch/lib>, or build with "
    "DIFFVERB_LIBTORCH=<its torch>";

CudaModule*& loaded() {
  static CudaModule* module = nullptr;
  return module;
}

thread_local CudaModule* stand_in = nullptr;

/// Fits of a batch choose their devices at once.
std::mutex& loading() {
  static std::mutex mutex;
  return mutex;
}

[[noreturn]] void refuse(const std::string& why) { throw ConfigError("device: cuda: " + why); }

std::string listed(const std::vector<fs::path>& places) {
  std::string out;
  for (const auto& place : places) out += (out.empty() ? "" : ", ") + place.string();
  return out;
}

fs::path find_module() {
  const auto places = cuda_module_places();
  std::error_code code;
  for (const auto& place : places) {
    if (fs::exists(place, code)) return place;
  }
  refuse(std::string(kName) + " not found; looked for " + listed(places) +
         ". It is built where nvcc and a CUDA build of LibTorch are (cmake -DDIFFVERB_CUDA=ON says what is missing)");
}

CudaModule* load_module() {
  const fs::path path = find_module();
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!handle) {
    const char* error = ::dlerror();
    const std::string why = error ? error : "dlopen failed";
    refuse(path.string() + " does not load: " + why + ". It needs " + kInstall);
  }
  const auto build = reinterpret_cast<CudaModuleBuild>(::dlsym(handle, "diffverb_cuda_build"));
  const auto entry = reinterpret_cast<CudaModuleEntry>(::dlsym(handle, "diffverb_cuda_module"));
  const std::string wanted = cuda_module_build(DIFFVERB_VERSION), found = build ? build() : "unknown";
  if (!entry || found != wanted)
    refuse(path.string() + " belongs to another build: it is '" + found + "', expected '" + wanted + "'");
  if (!at::detail::getCUDAHooks().hasCUDART())
    refuse("LibTorch was asked for CUDA before " + path.string() +
           " was loaded, and asks once; choose the device first");
  return entry();
}

/// Loaded, with at least one GPU.
CudaModule& cuda_module_at_work() {
  const std::lock_guard lock(loading());
  if (!loaded()) loaded() = load_module();
  try {
    loaded()->device_count();
  } catch (const std::exception& error) {
    refuse("no GPU can be used: " + std::string(error.what()) +
           (has_cuda_driver() ? "" : "; the NVIDIA driver (libcuda.so.1) is not installed"));
  }
  return *loaded();
}

}  // namespace

std::vector<fs::path> cuda_module_places() {
  std::vector<fs::path> out;
  if (const char* named = std::getenv("DIFFVERB_CUDA_MODULE"); named && *named) return {named};
  std::error_code code;
  const fs::path folder = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const char* relative : {".", "../lib", ".."}) out.push_back((folder / relative / kName).lexically_normal());
  return out;
}

CudaModule* cuda_module() { return stand_in ? stand_in : loaded(); }

bool on_gpu(at::Device device) { return device.is_cuda() || stand_in; }

StandInForGpu::StandInForGpu(CudaModule& module) { stand_in = &module; }
StandInForGpu::~StandInForGpu() { stand_in = nullptr; }

at::Tensor constants_on(at::Device device, const std::vector<double>& values) {
  if (!on_gpu(device)) return at::tensor(values, at::kDouble);
  // Never destroyed: at the end of the process CUDA is gone before they are.
  static auto& kept = *new std::map<std::pair<std::string, std::vector<double>>, at::Tensor>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  at::Tensor& constant = kept[{device.str(), values}];
  if (!constant.defined()) constant = at::tensor(values, at::kDouble).to(device);
  return constant;
}

const std::vector<std::string>& device_words() {
  static const std::vector<std::string> words = {"cpu", "cuda", "auto"};
  return words;
}

DeviceWord resolve_device(const std::string& word) {
  if (word != "auto") return {word, ""};
  if (!has_cuda_driver()) return {"cpu", "no NVIDIA driver on this machine"};
  try {
    return {"cuda", cuda_module_at_work().device_name(0)};
  } catch (const ConfigError& error) {
    return {"cpu", error.what()};
  }
}

bool has_cuda_driver() {
  void* handle = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (handle) ::dlclose(handle);
  return handle != nullptr;
}

at::Device choose_device(const std::string& name, int local_rank) {
  if (name == "cpu") return at::kCPU;
  if (name != "cuda") throw ConfigError("device: '" + name + "' is not known, expected cpu or cuda");
  const int count = cuda_module_at_work().device_count();
  // Slurm often shows each task its own GPU alone.
  const int index = count == 1 ? 0 : local_rank;
  if (index >= count)
    refuse("process " + std::to_string(local_rank) + " of this machine needs a GPU of its own, but there are " +
           std::to_string(count) + " (CUDA_VISIBLE_DEVICES?)");
  loaded()->use_device(index);
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

at::Tensor to_device(const at::Tensor& tensor, at::Device device) {
  if (tensor.device() == device) return tensor;
  if (!device.is_cuda() || !tensor.device().is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

void copy_without_waiting(at::Tensor to, const at::Tensor& from) {
  const bool up = to.is_cuda() && from.device().is_cpu();
  // Of pinned memory the allocator knows until when a copy reads it.
  to.copy_(up ? from.pin_memory() : from, /*non_blocking=*/up);
}

}  // namespace diffverb
