// The frequency solver on CUDA, twin of core/solvers/frequency_kernel-inl.h: a lane a line, with its row of I - A G in
// registers; a pivot's row goes through shared memory, from which all lanes read it at once. No torch header here.
#include <cuda_runtime.h>

#include <algorithm>

#include "core/solvers/frequency_cuda_kernel.h"

namespace diffverb {
namespace {

/// Lanes of a warp, or two warps that are a block of their own.
template <typename S, int N>
struct DeviceTeam {
  int lane;
  unsigned mask;
  BinRow<S, N>* row;

  template <typename Work>
  __device__ __forceinline__ void each(const Work& work) const {
    work(lane, *row);
    if (N <= 32) {
      __syncwarp(mask);
    } else {
      __syncthreads();
    }
  }
};

template <typename S, int N, bool Pivot>
__global__ void solve_bins(BinProblem<S> p, std::size_t bytes) {
  extern __shared__ __align__(16) unsigned char shared[];
  const int team = threadIdx.x / N, teams = blockDim.x / N;
  const long long at = static_cast<long long>(blockIdx.x) * teams + team;
  if (at >= static_cast<long long>(p.networks) * p.bins) return;  // whole teams leave together
  const unsigned mask = N >= 32 ? 0xffffffffu : ((1u << N) - 1u) << (threadIdx.x % 32 / N * N);
  BinRow<S, N> row;
  const DeviceTeam<S, N> lanes{static_cast<int>(threadIdx.x) % N, mask, &row};
  const auto memory = BinMemory<S>::at(shared + team * bytes, N, p.inputs, p.outputs);
  const int network = static_cast<int>(at / p.bins), bin = static_cast<int>(at % p.bins);
  BinSolver<S, N, Pivot, DeviceTeam<S, N>>(lanes, p, memory, network, bin).run();
}

/// A block sums a chunk of bins into its part of `partial`, a tile of bins after the other.
template <typename S>
__global__ void sum_gradient(BinProblem<S> p, const BinComplex<S>* grad_h, double* partial, int tile) {
  extern __shared__ __align__(16) unsigned char shared[];
  const int network = blockIdx.y, ends = p.outputs * p.inputs, width = p.lines * p.inputs, size = p.states_size();
  auto* const q = reinterpret_cast<BinComplex<S>*>(shared);        // [tile, N, I]
  auto* const g = q + static_cast<std::size_t>(tile) * width;      // [tile, O, I]
  auto* const states = g + static_cast<std::size_t>(tile) * ends;  // [tile, N (2 I + O)]
  const int count = BinEntries<S>(p).count();
  double* const out = partial + (static_cast<std::size_t>(network) * gridDim.x + blockIdx.x) * count;
  const int begin = blockIdx.x * p.chunk, end = min(begin + p.chunk, p.bins);
  for (int first = begin; first < end; first += tile) {
    const int bins = min(tile, end - first);
    const BinComplex<S>* const from = p.states + (static_cast<std::size_t>(network) * p.bins + first) * size;
    for (int k = threadIdx.x; k < bins * size; k += blockDim.x) states[k] = from[k];
    for (int k = threadIdx.x; k < bins * ends; k += blockDim.x)
      g[k] = grad_h[(static_cast<std::size_t>(network) * ends + k % ends) * p.bins + first + k / ends];
    __syncthreads();
    for (int k = threadIdx.x; k < bins * width; k += blockDim.x)
      q[k] = bin_q(p, k % width, states + k / width * size, g + k / width * ends);
    __syncthreads();
    for (int e = threadIdx.x; e < count; e += blockDim.x) {
      double sum = first == begin ? 0 : out[e];
      for (int k = 0; k < bins; ++k)
        sum += bin_gradient(p, network, first + k, e, states + k * size, q + k * width, g + k * ends);
      out[e] = sum;
    }
    __syncthreads();
  }
}

__global__ void add_chunks(const double* partial, double* sums, int chunks, int count) {
  const int e = blockIdx.x * blockDim.x + threadIdx.x;
  if (e >= count) return;
  double sum = 0;
  for (int k = 0; k < chunks; ++k) sum += partial[(static_cast<std::size_t>(blockIdx.y) * chunks + k) * count + e];
  sums[static_cast<std::size_t>(blockIdx.y) * count + e] = sum;
}

const char* text(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

/// Shared memory that a block may have on this device; asked for once a kernel.
template <typename Kernel>
cudaError_t allow_shared(Kernel kernel, std::size_t wanted) {
  if (wanted <= 48 * 1024) return cudaSuccess;
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(wanted));
}

template <typename S, int N, bool Pivot>
const char* pass(const BinProblem<S>& p, cudaStream_t stream) {
  const std::size_t bytes = (BinMemory<S>::bytes(N, p.inputs, p.outputs) + 15) / 16 * 16;
  int teams = N >= 64 ? 1 : 128 / N;
  while (teams > 1 && teams * bytes > 48 * 1024) teams /= 2;
  const std::size_t wanted = teams * bytes;
  if (const char* error = text(allow_shared(solve_bins<S, N, Pivot>, wanted))) return error;
  const long long all = static_cast<long long>(p.networks) * p.bins;
  solve_bins<S, N, Pivot><<<static_cast<unsigned>((all + teams - 1) / teams), teams * N, wanted, stream>>>(p, bytes);
  return text(cudaGetLastError());
}

template <typename S, int N>
const char* forward(const BinProblem<S>& p, cudaStream_t stream) {
  const char* error = pass<S, N, false>(p, stream);
  return error ? error : pass<S, N, true>(p, stream);
}

template <typename S>
const char* forward(const BinProblem<S>& p, void* stream) {
  const auto s = static_cast<cudaStream_t>(stream);
  if (p.lines <= 8) return forward<S, 8>(p, s);
  if (p.lines <= 16) return forward<S, 16>(p, s);
  if (p.lines <= 32) return forward<S, 32>(p, s);
  if (p.lines <= 64) return forward<S, 64>(p, s);
  return "more than 64 lines";
}

template <typename S>
const char* backward(const BinProblem<S>& p, const BinComplex<S>* grad_h, double* partial, double* sums, void* stream) {
  const auto s = static_cast<cudaStream_t>(stream);
  const std::size_t bin = sizeof(BinComplex<S>) * (p.states_size() + p.lines * p.inputs + p.outputs * p.inputs);
  const int tile = static_cast<int>(std::clamp<std::size_t>(48 * 1024 / bin, 1, 32));
  const std::size_t wanted = tile * bin;
  if (const char* error = text(allow_shared(sum_gradient<S>, wanted))) return error;
  const int chunks = (p.bins + p.chunk - 1) / p.chunk, count = BinEntries<S>(p).count();
  sum_gradient<S><<<dim3(chunks, p.networks), 256, wanted, s>>>(p, grad_h, partial, tile);
  if (const char* error = text(cudaGetLastError())) return error;
  add_chunks<<<dim3((count + 255) / 256, p.networks), 256, 0, s>>>(partial, sums, chunks, count);
  return text(cudaGetLastError());
}

}  // namespace

const char* launch_frequency_forward(const BinProblem<float>& p, void* stream) { return forward(p, stream); }
const char* launch_frequency_forward(const BinProblem<double>& p, void* stream) { return forward(p, stream); }
const char* launch_frequency_backward(const BinProblem<float>& p, const BinComplex<float>* grad_h, double* partial,
                                      double* sums, void* stream) {
  return backward(p, grad_h, partial, sums, stream);
}
const char* launch_frequency_backward(const BinProblem<double>& p, const BinComplex<double>* grad_h, double* partial,
                                      double* sums, void* stream) {
  return backward(p, grad_h, partial, sums, stream);
}

}  // namespace diffverb
