// Adam over a flat buffer, four numbers a thread: the CUDA twin of train/optimizer/flat_adam.cpp. No torch header here: it would
// take half a minute to compile.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "train/optimizer/flat_adam_kernel.h"

namespace diffverb {
namespace {

template <typename S>
struct alignas(16) Quad {
  S at[4];
};

template <typename S>
__global__ void adam(AdamPass<S> pass, std::int64_t quads) {
  const AdamNumbers<S> numbers(pass);
  if (!numbers.is_finite) return;
  auto* const values = reinterpret_cast<Quad<S>*>(pass.values);
  auto* const first = reinterpret_cast<Quad<S>*>(pass.first);
  auto* const second = reinterpret_cast<Quad<S>*>(pass.second);
  const auto* const gradients = reinterpret_cast<const Quad<S>*>(pass.gradients);
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < quads; i += stride) {
    Quad<S> v = values[i], m = first[i], s = second[i];
    const Quad<S> g = gradients[i];
#pragma unroll
    for (int k = 0; k < 4; ++k) adam_step(numbers, g.at[k], v.at[k], m.at[k], s.at[k]);
    values[i] = v;
    first[i] = m;
    second[i] = s;
  }
}

template <typename S>
const char* launch(const AdamPass<S>& p, void* stream) {
  constexpr int kThreads = 256;
  constexpr std::int64_t kMostBlocks = 2048;
  const std::int64_t quads = p.size / 4;  // buffers are padded to multiples of 16
  if (quads == 0) return nullptr;
  const auto blocks = static_cast<unsigned>(std::min((quads + kThreads - 1) / kThreads, kMostBlocks));
  adam<S><<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(p, quads);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

const char* launch_adam(const AdamPass<float>& pass, void* stream) { return launch(pass, stream); }
const char* launch_adam(const AdamPass<double>& pass, void* stream) { return launch(pass, stream); }

}  // namespace diffverb
