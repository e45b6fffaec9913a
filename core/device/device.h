#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace diffverb {

class CudaModule;

/// What a config may say: cpu, cuda, auto.
const std::vector<std::string>& device_words();

/// What a config's word "auto" comes to, and why.
struct DeviceWord {
  std::string word;  // "cpu" or "cuda"
  std::string why;   // empty where it was not "auto"
};

/// "auto" is "cuda" where a GPU can be used, else "cpu", whatever stands in the way; other words stay.
DeviceWord resolve_device(const std::string& word);

/// The device that a config names: "cpu" or "cuda", and of several GPUs the one of this process among its machine's.
///
/// "cuda" loads libdiffverb_cuda.so. That has to happen before the first backward pass and before anything asks
/// LibTorch for CUDA: both look once.
///
/// Throws   ConfigError: the module is not there, does not load, no driver answers, or fewer GPUs than processes; what,
///          where it was looked for, and what to install
at::Device choose_device(const std::string& name, int local_rank = 0);

/// The loaded module; null where none is.
CudaModule* cuda_module();

/// Whether it is a GPU's: then what works on it must not wait for it, and takes the module's kernels.
bool on_gpu(at::Device device);
inline bool on_gpu(const at::Tensor& tensor) { return on_gpu(tensor.device()); }

/// For tests where there is no GPU: while it lives, the CPU counts as one in this thread and has this module.
class StandInForGpu {
 public:
  explicit StandInForGpu(CudaModule& module);
  ~StandInForGpu();
  StandInForGpu(const StandInForGpu&) = delete;
  StandInForGpu& operator=(const StandInForGpu&) = delete;
};

/// Constants of a formula as a float64 vector on the device. A GPU's are copied there once and kept for good: a copy
/// would wait, and a recorded step goes on reading them.
at::Tensor constants_on(at::Device device, const std::vector<double>& values);

/// Where the module is looked for, in order: the file that DIFFVERB_CUDA_MODULE names, beside the program, in ../lib of
/// it, and one folder up (the programs of a build folder's tests).
std::vector<std::filesystem::path> cuda_module_places();

/// Whether an NVIDIA driver is installed, without loading anything of CUDA.
bool has_cuda_driver();

/// Copies to where `to` is, without waiting where that is a GPU.
void copy_without_waiting(at::Tensor to, const at::Tensor& from);

/// The tensor itself, or its copy on the device.
at::Tensor to_device(const at::Tensor& tensor, at::Device device);

}  // namespace diffverb
