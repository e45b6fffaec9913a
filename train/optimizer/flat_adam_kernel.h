#pragma once

#include "core/device/adam_pass.h"

namespace diffverb {

/// Launches one pass of Adam (train/optimizer/flat_adam.cu) on a cudaStream_t. Returns CUDA's error text, null where none.
const char* launch_adam(const AdamPass<float>& pass, void* stream);
const char* launch_adam(const AdamPass<double>& pass, void* stream);

}  // namespace diffverb
