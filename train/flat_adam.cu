// Adam over a flat buffer, four numbers a thread: the CUDA twin of train/flat_adam.cpp. No torch header here: it would
// take half a minute to compile.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "train/flat_adam_kernel.h"

namespace diffverb {
namespace {

struct Numbers {
  float beta1, beta2, epsilon, decay, rate_scale, clip_norm;
  bool decoupled;
};

__device__ void step(float& value, float gradient, float& first, float& second, const Numbers& n, float shrink,
                     float rate, float bias1, float root_bias2) {
  gradient *= shrink;
  if (n.decoupled) {
    value -= rate * n.decay * value;
  } else {
    gradient += n.decay * value;
  }
  first = n.beta1 * first + (1 - n.beta1) * gradient;
  second = n.beta2 * second + (1 - n.beta2) * gradient * gradient;
  value -= rate * bias1 * first / (sqrtf(second) * root_bias2 + n.epsilon);
}

__global__ void adam(float4* values, const float4* gradients, float4* first, float4* second, std::int64_t quads,
                     const double* norm, const float* numbers, Numbers n) {
  if (!isfinite(*norm)) return;  // a gradient that is no number changes nothing
  const float shrink = n.clip_norm > 0 && *norm > n.clip_norm ? static_cast<float>(n.clip_norm / *norm) : 1.0f;
  const float rate = numbers[0] * n.rate_scale;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < quads; i += stride) {
    float4 v = values[i], m = first[i], s = second[i];
    const float4 g = gradients[i];
    step(v.x, g.x, m.x, s.x, n, shrink, rate, numbers[1], numbers[2]);
    step(v.y, g.y, m.y, s.y, n, shrink, rate, numbers[1], numbers[2]);
    step(v.z, g.z, m.z, s.z, n, shrink, rate, numbers[1], numbers[2]);
    step(v.w, g.w, m.w, s.w, n, shrink, rate, numbers[1], numbers[2]);
    values[i] = v;
    first[i] = m;
    second[i] = s;
  }
}

}  // namespace

const char* launch_adam(const AdamPass& p, void* stream) {
  constexpr int kThreads = 256;
  constexpr std::int64_t kMostBlocks = 2048;
  const std::int64_t quads = p.size / 4;  // buffers are padded to multiples of 16
  if (quads == 0) return nullptr;
  const Numbers numbers{static_cast<float>(p.beta1),
                        static_cast<float>(p.beta2),
                        static_cast<float>(p.epsilon),
                        static_cast<float>(p.decay),
                        static_cast<float>(p.rate_scale),
                        static_cast<float>(p.clip_norm),
                        p.decoupled};
  const auto blocks = static_cast<unsigned>(std::min((quads + kThreads - 1) / kThreads, kMostBlocks));
  adam<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      reinterpret_cast<float4*>(p.values), reinterpret_cast<const float4*>(p.gradients),
      reinterpret_cast<float4*>(p.first), reinterpret_cast<float4*>(p.second), quads, p.norm, p.numbers, numbers);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace diffverb
