#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace diffverb {

class CudaModule;

/// The device that a config names: "cpu" or "cuda", and of several GPUs the one of this process among its machine's.
///
/// "cuda" loads libdiffverb_cuda.so. That has to happen before the first backward pass and before anything asks
/// LibTorch for CUDA: both look once.
///
/// Throws   ConfigError: the module is not there, does not load, no driver answers, or fewer GPUs than processes; what,
///          where it was looked for, and what to install
torch::Device choose_device(const std::string& name, int local_rank = 0);

/// The loaded module; null where none is.
CudaModule* cuda_module();

/// Where the module is looked for, in order: the file that DIFFVERB_CUDA_MODULE names, beside the program, in ../lib of
/// it, and one folder up (the programs of a build folder's tests).
std::vector<std::filesystem::path> cuda_module_places();

/// Whether an NVIDIA driver is installed, without loading anything of CUDA.
bool has_cuda_driver();

/// Copies to where `to` is, without waiting where that is a GPU.
void copy_without_waiting(torch::Tensor to, const torch::Tensor& from);

/// The tensor itself, or its copy on the device.
torch::Tensor to_device(const torch::Tensor& tensor, torch::Device device);

}  // namespace diffverb
