#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/device/device.h"
#include "core/device/precision.h"
#include "core/tensor.h"

namespace diffverb {

/// Why no GPU can be used here; empty where one can. Loads the module the first time, where there is a driver at all.
inline const std::string& missing_gpu() {
  static const std::string why = []() -> std::string {
    if (!has_cuda_driver()) return "no NVIDIA driver on this machine";
    try {
      tune_device(choose_device("cuda"), Precision::kFp32);
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }();
  return why;
}

/// A test that needs a GPU: skipped by name where there is none.
template <class Base>
class OnGpu : public Base {
 protected:
  void SetUp() override {
    if (!missing_gpu().empty()) GTEST_SKIP() << missing_gpu();
  }
};

class CUDA : public OnGpu<testing::Test> {};

/// |a - b| relative to the largest |b|.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  const auto x = a.detach().to(at::kCPU), y = b.detach().to(at::kCPU);
  const double scale = std::max(1e-12, y.abs().max().item<double>());
  return (x - y).abs().max().item<double>() / scale;
}

}  // namespace diffverb
