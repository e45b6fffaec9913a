#pragma once

#include <c10/util/intrusive_ptr.h>
#include <torch/version.h>

#include <functional>
#include <memory>
#include <string>

#include "core/device/adam_pass.h"
#include "core/solvers/frequency_bin.h"
#include "core/solvers/time_block.h"
#include "core/tensor.h"

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace diffverb {

/// Work that was recorded once and is repeated with one call: a CUDA graph.
class CudaGraph {
 public:
  virtual ~CudaGraph() = default;
  /// Records what `work` launches on the current stream; nothing of it runs.
  /// Throws   what `work` throws, or what CUDA says where it cannot be recorded; the device can be used as before
  virtual void capture(const std::function<void()>& work) = 0;
  virtual void replay() = 0;
};

/// What libdiffverb_cuda.so does for the programs, which link no CUDA: core/device/device.h loads it.
///
/// Everything else on the GPU goes through LibTorch's operators, which the module brings with it.
class CudaModule {
 public:
  virtual ~CudaModule() = default;

  /// How many GPUs there are. Throws std::runtime_error where no driver answers.
  virtual int device_count() = 0;
  virtual std::string device_name(int index) = 0;
  /// This thread's device from now on, and a stream of its own on it: the default stream cannot be recorded.
  virtual void use_device(int index) = 0;
  /// Waits for what the current stream has been given.
  virtual void synchronize() = 0;
  /// Whether the current stream has nothing left to do. Throws what CUDA says of work that failed.
  virtual bool is_idle() = 0;
  virtual std::size_t peak_bytes() = 0;

  /// One pass of Adam.
  virtual void adam(const AdamPass<float>& pass) = 0;
  virtual void adam(const AdamPass<double>& pass) = 0;
  /// The frequency solver on the current stream: `p.h`, and `p.states` where not null; waits for nothing.
  virtual void solve_bins(const BinProblem<float>& p) = 0;
  virtual void solve_bins(const BinProblem<double>& p) = 0;
  /// Its gradient from `p.states`: `sums` [R, entries] (BinEntries), worked out in `partial` [R, chunks, entries].
  virtual void sum_bins(const BinProblem<float>& p, const BinComplex<float>* grad_h, double* partial, double* sums) = 0;
  virtual void sum_bins(const BinProblem<double>& p, const BinComplex<double>* grad_h, double* partial,
                        double* sums) = 0;
  /// The time-domain solver's recursion on the current stream, and its adjoint with the sums of the gradient
  /// (time_cuda_kernel.h has the shapes); waits for nothing.
  virtual void play_lines(const TimeBlocks<float>& p) = 0;
  virtual void play_lines(const TimeBlocks<double>& p) = 0;
  virtual void sum_lines(const TimeBlocks<float>& p, double* partial, double* sums, double* sos) = 0;
  virtual void sum_lines(const TimeBlocks<double>& p, double* partial, double* sums, double* sos) = 0;
  virtual std::unique_ptr<CudaGraph> make_graph() = 0;
  /// NCCL between the processes of a store, each with its current device; null where the module was built without.
  virtual c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                      int size) = 0;
};

/// The module's two symbols. The text must be the program's own: another would have another layout of the above.
using CudaModuleBuild = const char* (*)();  // diffverb_cuda_build
using CudaModuleEntry = CudaModule* (*)();  // diffverb_cuda_module
inline std::string cuda_module_build(const char* version) {
  return std::string("diffverb ") + version + ", interface 3, LibTorch " TORCH_VERSION;
}

}  // namespace diffverb
