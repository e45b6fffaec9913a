// The glue of libdiffverb_cuda.so: what the programs ask of CUDA (core/device/cuda_module.h), in LibTorch's terms.
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <exception>
#include <stdexcept>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#else
#include <torch/csrc/distributed/c10d/Backend.hpp>
#endif

#include "core/device/cuda_module.h"
#include "core/solvers/frequency_cuda_kernel.h"
#include "core/solvers/time_cuda_kernel.h"
#include "train/optimizer/flat_adam_kernel.h"

namespace diffverb {
namespace {

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

class Graph final : public CudaGraph {
 public:
  void capture(const std::function<void()>& work) override {
    graph_ = std::make_unique<at::cuda::CUDAGraph>();
    check(cudaStreamSynchronize(at::cuda::getCurrentCUDAStream()), "before a graph");
    // Thread-local: what loader threads do with CUDA (pinned memory) is not in the way.
    graph_->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      const auto error = std::current_exception();
      give_up();
      std::rethrow_exception(error);
    }
    try {
      graph_->capture_end();
    } catch (...) {
      const auto error = std::current_exception();
      give_up();
      std::rethrow_exception(error);
    }
  }

  void replay() override { graph_->replay(); }

 private:
  /// Ends a recording that failed, so that stream and allocator work as before.
  void give_up() noexcept {
    try {
      graph_->capture_end();
    } catch (...) {  // says again what went wrong
    }
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(c10::cuda::current_device(), graph_->pool());
    } catch (...) {  // had been done
    }
    cudaGetLastError();
    graph_.reset();
  }

  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

class Module final : public CudaModule {
 public:
  int device_count() override {
    int count = 0;
    check(cudaGetDeviceCount(&count), "CUDA");
    if (count == 0) throw std::runtime_error("CUDA sees none (CUDA_VISIBLE_DEVICES?)");
    return count;
  }

  std::string device_name(int index) override {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "CUDA");
    return properties.name;
  }

  void use_device(int index) override {
    c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
    const auto stream = c10::cuda::getStreamFromPool(false, static_cast<c10::DeviceIndex>(index));
    c10::cuda::setCurrentCUDAStream(stream);
  }

  void synchronize() override { check(cudaStreamSynchronize(at::cuda::getCurrentCUDAStream()), "CUDA"); }

  bool is_idle() override {
    const cudaError_t state = cudaStreamQuery(at::cuda::getCurrentCUDAStream());
    if (state == cudaErrorNotReady) {
      cudaGetLastError();  // it is no error, and must not be found later as one
      return false;
    }
    check(state, "CUDA");
    return true;
  }

  std::size_t peak_bytes() override {
    const auto statistics = c10::cuda::CUDACachingAllocator::getDeviceStats(c10::cuda::current_device());
    return static_cast<std::size_t>(statistics.allocated_bytes[0].peak);
  }

  void adam(const AdamPass<float>& pass) override { check_launch(launch_adam(pass, stream()), "Adam's"); }
  void adam(const AdamPass<double>& pass) override { check_launch(launch_adam(pass, stream()), "Adam's"); }

  void solve_bins(const BinProblem<float>& p) override {
    check_launch(launch_frequency_forward(p, stream()), kFrequency);
  }
  void solve_bins(const BinProblem<double>& p) override {
    check_launch(launch_frequency_forward(p, stream()), kFrequency);
  }
  void sum_bins(const BinProblem<float>& p, const BinComplex<float>* g, double* partial, double* sums) override {
    check_launch(launch_frequency_backward(p, g, partial, sums, stream()), kFrequency);
  }
  void sum_bins(const BinProblem<double>& p, const BinComplex<double>* g, double* partial, double* sums) override {
    check_launch(launch_frequency_backward(p, g, partial, sums, stream()), kFrequency);
  }

  void play_lines(const TimeBlocks<float>& p) override { check_launch(launch_time_forward(p, stream()), kTime); }
  void play_lines(const TimeBlocks<double>& p) override { check_launch(launch_time_forward(p, stream()), kTime); }
  void sum_lines(const TimeBlocks<float>& p, double* partial, double* sums, double* sos) override {
    check_launch(launch_time_backward(p, partial, sums, sos, stream()), kTime);
  }
  void sum_lines(const TimeBlocks<double>& p, double* partial, double* sums, double* sos) override {
    check_launch(launch_time_backward(p, partial, sums, sos, stream()), kTime);
  }

  std::unique_ptr<CudaGraph> make_graph() override { return std::make_unique<Graph>(); }

  c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                              int size) override {
#ifdef USE_C10D_NCCL
    auto options = c10d::ProcessGroupNCCL::Options::create();
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
#else
    return {};
#endif
  }

 private:
  static void* stream() { return at::cuda::getCurrentCUDAStream().stream(); }
  static constexpr const char *kFrequency = "the frequency solver's", *kTime = "the time-domain solver's";
  static void check_launch(const char* error, const char* whose) {
    if (error) throw std::runtime_error(std::string(whose) + " kernel: " + error);
  }
};

}  // namespace
}  // namespace diffverb

extern "C" __attribute__((visibility("default"))) const char* diffverb_cuda_build() {
  static const std::string text = diffverb::cuda_module_build(DIFFVERB_VERSION);
  return text.c_str();
}

extern "C" __attribute__((visibility("default"))) diffverb::CudaModule* diffverb_cuda_module() {
  static diffverb::Module module;
  return &module;
}
