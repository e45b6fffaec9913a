#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"
#include "models/model.h"

namespace diffverb {

/// A model's parameters and gradients as views into one flat buffer a dtype, so that the optimiser, the norm, the
/// moving average and the all-reduce are one pass each.
///
/// The parameters stay the model's own leaf tensors, with their strides; their storage moves here. Each begins on a
/// multiple of 16 elements; the padding is and stays 0.
///
/// Throws   ContractError for a parameter that is complex (Adam would diverge), no floating-point leaf, or not dense
class FlatParameters {
 public:
  struct Entry {
    std::string name;
    at::Tensor parameter;
    std::size_t buffer = 0;
    std::int64_t begin = 0, size = 0;  // elements of the buffer
    double rate_scale = 1;
    bool decays = false;  // weight decay takes matrices and kernels, not biases and gains
  };
  struct Buffer {
    at::Tensor values, gradients;  // [n]
  };
  /// Neighbours of one buffer that are stepped alike.
  struct Group {
    std::size_t buffer = 0;
    std::int64_t begin = 0, size = 0;
    double rate_scale = 1;
    bool decays = false;
  };

  explicit FlatParameters(const Model& model);

  /// Sets all gradients to 0 and makes sure that autograd adds to them in place.
  void zero_gradients();
  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const std::vector<Group>& groups() const { return groups_; }

  /// The part of a flat tensor that belongs to a parameter, in the parameter's shape.
  at::Tensor view(const at::Tensor& flat, const Entry& entry) const;
  /// Zeros laid out like each buffer: moments, moving averages.
  std::vector<at::Tensor> zeros() const;
  /// "name is not a number at index i" of the first such gradient; empty where all are finite.
  std::string first_bad_gradient() const;

 private:
  std::vector<Entry> entries_;
  std::vector<Buffer> buffers_;
  std::vector<Group> groups_;
};

/// The first element that is not finite, -1 where all are.
std::int64_t first_bad_index(const at::Tensor& tensor);

}  // namespace diffverb
