#pragma once

#include <memory>

#include "core/tensor.h"

namespace diffverb {

/// The processes that train one model together, as far as a part of it has to know of them: alone, nothing happens.
///
/// A batch norm that shares its statistics sums them over all ranks:
///
///     sums = all_reduce_sum(sums);  count *= collective().size();
///
/// Every rank calls in the same order. A run that is spread over processes puts its own in place (set_collective).
class Collective {
 public:
  virtual ~Collective() = default;
  virtual int size() const { return 1; }
  virtual int rank() const { return 0; }
  /// Adds the tensor up over all ranks, in place; contiguous, on the run's device.
  virtual void sum_in_place(at::Tensor& /*tensor*/) {}
};

/// The collective of this process: alone, until one is set.
Collective& collective();
/// Null: alone again. Not while a step runs.
void set_collective(std::shared_ptr<Collective> collective);

/// The sum over all ranks, with its gradient.
///
///   y = sum_r x_r;   dL/dx_r = sum_r' dL_r'/dy
///
/// Reads    any shape, the same on every rank
/// Returns  the same shape; the tensor itself where the process is alone
/// Gradient summed over the ranks as well, so a backward pass needs every rank
at::Tensor all_reduce_sum(const at::Tensor& tensor);

}  // namespace diffverb
