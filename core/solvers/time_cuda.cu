// The time-domain solver on CUDA, twin of core/solvers/time_kernel-inl.h: the recursion of a network is one block of
// threads that stays until the last sample, with the matrix and a block of all lines in shared memory; what is no
// recursion, the sums of the gradient, takes all of the GPU. No torch header here.
#include <cuda_runtime.h>

#include "core/solvers/time_cuda_kernel.h"
#include "core/solvers/time_sums.h"

namespace diffverb {
namespace {

constexpr int kRecursionThreads = 512, kSumThreads = 256, kSectionThreads = 128, kTile = 32;

struct BlockTeam {
  template <typename Work>
  __device__ __forceinline__ void over(int count, const Work& work) const {
    for (int e = static_cast<int>(threadIdx.x); e < count; e += static_cast<int>(blockDim.x)) work(e);
    __syncthreads();
  }
};

template <typename S, bool Back>
__global__ void __launch_bounds__(kRecursionThreads) recur(TimeBlocks<S> p) {
  extern __shared__ __align__(16) unsigned char shared[];
  const auto memory = TimeMemory<S>::at(shared, p.lines);
  const BlockTeam team;
  const TimeRecursion<S, BlockTeam> recursion(team, p, memory, static_cast<int>(blockIdx.x));
  Back ? recursion.play_back() : recursion.play();
}

/// A block sums its samples of all entries into its part of `partial`, a tile of samples after the other.
template <typename S>
__global__ void __launch_bounds__(kSumThreads) sum_entries(TimeBlocks<S> p, double* partial) {
  extern __shared__ __align__(16) unsigned char shared[];
  const TimeEntries<S> entries(p);
  auto* const left = reinterpret_cast<S*>(shared);     // [rows, kTile + 1]
  S* const right = left + entries.rows * (kTile + 1);  // [columns, kTile + 1]
  const int network = static_cast<int>(blockIdx.y), both = entries.rows + entries.columns;
  double* const out = partial + (static_cast<std::size_t>(network) * gridDim.x + blockIdx.x) * entries.count();
  const int begin = static_cast<int>(blockIdx.x) * kTimeSumSamples, end = min(begin + kTimeSumSamples, p.samples);
  for (int first = begin; first < end; first += kTile) {
    for (int k = static_cast<int>(threadIdx.x); k < both * kTile; k += static_cast<int>(blockDim.x)) {
      const int row = k / kTile, t = k % kTile;
      S value = 0;
      if (first + t < end) {
        value = row < entries.rows ? TimeEntries<S>::left(p, network, row, first + t)
                                   : TimeEntries<S>::right(p, network, row - entries.rows, first + t);
      }
      left[row * (kTile + 1) + t] = value;
    }
    __syncthreads();
    for (int e = static_cast<int>(threadIdx.x); e < entries.count(); e += static_cast<int>(blockDim.x)) {
      const S* const x = left + e / entries.columns * (kTile + 1);
      const S* const y = right + e % entries.columns * (kTile + 1);
      S sum = 0;
#pragma unroll
      for (int t = 0; t < kTile; ++t) sum += x[t] * y[t];
      out[e] = (first == begin ? 0.0 : out[e]) + sum;
    }
    __syncthreads();
  }
}

__global__ void add_parts(const double* partial, double* sums, int parts, int count) {
  const int e = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (e >= count) return;
  double sum = 0;
  for (int k = 0; k < parts; ++k) sum += partial[(static_cast<std::size_t>(blockIdx.y) * parts + k) * count + e];
  sums[static_cast<std::size_t>(blockIdx.y) * count + e] = sum;
}

/// A block a section of a line: its threads share the chunks.
template <typename S>
__global__ void __launch_bounds__(kSectionThreads) sum_sections(TimeBlocks<S> p, double* sos) {
  __shared__ double parts[6][kSectionThreads];
  const int line = static_cast<int>(blockIdx.x) / p.sections, section = static_cast<int>(blockIdx.x) % p.sections;
  const int network = static_cast<int>(blockIdx.y), thread = static_cast<int>(threadIdx.x);
  TimeSectionSums sums;
  for (int chunk = thread; chunk < p.chunks(); chunk += kSectionThreads)
    TimeSectionChunk<S>::add(p, network, line, section, chunk, sums);
  for (int k = 0; k < 6; ++k) parts[k][thread] = sums.at[k];
  for (int half = kSectionThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread >= half) continue;
    for (int k = 0; k < 6; ++k) parts[k][thread] += parts[k][thread + half];
  }
  if (thread > 0) return;
  for (int k = 0; k < 6; ++k) sums.at[k] = parts[k][0];
  double* const out = sos + ((static_cast<std::size_t>(network) * p.lines + line) * p.sections + section) * 5;
  time_section_gradient(p, network, line, section, sums, out);
}

const char* text(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

template <typename S, bool Back>
const char* launch_recursion(const TimeBlocks<S>& p, cudaStream_t stream) {
  const std::size_t bytes = TimeMemory<S>::bytes(p.lines);
  if (bytes > 48 * 1024) {
    const auto error =
        cudaFuncSetAttribute(recur<S, Back>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    if (error != cudaSuccess) return text(error);
  }
  recur<S, Back><<<static_cast<unsigned>(p.networks), kRecursionThreads, bytes, stream>>>(p);
  return text(cudaGetLastError());
}

template <typename S>
const char* backward(const TimeBlocks<S>& p, double* partial, double* sums, double* sos, cudaStream_t stream) {
  if (const char* error = launch_recursion<S, true>(p, stream)) return error;
  const TimeEntries<S> entries(p);
  const int parts = (p.samples + kTimeSumSamples - 1) / kTimeSumSamples;
  const auto networks = static_cast<unsigned>(p.networks);
  const std::size_t bytes = sizeof(S) * (entries.rows + entries.columns) * (kTile + 1);
  sum_entries<S><<<dim3(static_cast<unsigned>(parts), networks), kSumThreads, bytes, stream>>>(p, partial);
  if (const char* error = text(cudaGetLastError())) return error;
  const auto blocks = static_cast<unsigned>((entries.count() + kSumThreads - 1) / kSumThreads);
  add_parts<<<dim3(blocks, networks), kSumThreads, 0, stream>>>(partial, sums, parts, entries.count());
  if (const char* error = text(cudaGetLastError())) return error;
  if (p.sections == 0) return nullptr;
  const auto sections = static_cast<unsigned>(p.lines * p.sections);
  sum_sections<S><<<dim3(sections, networks), kSectionThreads, 0, stream>>>(p, sos);
  return text(cudaGetLastError());
}

}  // namespace

const char* launch_time_forward(const TimeBlocks<float>& p, void* stream) {
  return launch_recursion<float, false>(p, static_cast<cudaStream_t>(stream));
}
const char* launch_time_forward(const TimeBlocks<double>& p, void* stream) {
  return launch_recursion<double, false>(p, static_cast<cudaStream_t>(stream));
}
const char* launch_time_backward(const TimeBlocks<float>& p, double* partial, double* sums, double* sos, void* stream) {
  return backward(p, partial, sums, sos, static_cast<cudaStream_t>(stream));
}
const char* launch_time_backward(const TimeBlocks<double>& p, double* partial, double* sums, double* sos,
                                 void* stream) {
  return backward(p, partial, sums, sos, static_cast<cudaStream_t>(stream));
}

}  // namespace diffverb
