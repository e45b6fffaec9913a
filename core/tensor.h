#pragma once

// LibTorch's tensor, without its operators: torch/types.h and ATen/ATen.h bring all two thousand of them, which cost each
// file seconds to compile, precompiled or not. A file includes <ATen/ops/name.h> for every at::name() that it calls.

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
