#pragma once

#include <vector>

#include "core/tensor.h"

namespace diffverb {

/// A tensor's values in order, as the runtime's weights hold them.
template <typename T>
std::vector<T> to_vector(const at::Tensor& tensor, at::ScalarType type) {
  const auto flat = tensor.detach().to(at::kCPU, type).contiguous();
  const T* data = flat.const_data_ptr<T>();
  return {data, data + flat.numel()};
}

}  // namespace diffverb
