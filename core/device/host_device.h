#pragma once

// For arithmetic that a GPU's threads and the host share: the host's turn at it is how it is tested where there is no GPU.
#ifdef __CUDACC__
#define DIFFVERB_BIN __host__ __device__ __forceinline__
#define DIFFVERB_BIN_UNROLL _Pragma("unroll (kUnroll)")
#else
#define DIFFVERB_BIN inline
#define DIFFVERB_BIN_UNROLL
#endif
