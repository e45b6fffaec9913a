#include "train/process.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>

namespace diffverb {

void tune_process(int threads, bool deterministic) {
  at::set_num_threads(threads);
  at::Context& context = at::globalContext();
  // What is set already is not written again: other threads of a batch read it.
  if (deterministic && !context.deterministicAlgorithms()) context.setDeterministicAlgorithms(true, false);
  // Deterministic algorithms would also fill every fresh tensor with NaN: each is written whole before it is read.
  if (context.deterministicFillUninitializedMemory()) context.setDeterministicFillUninitializedMemory(false);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace diffverb
