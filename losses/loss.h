#pragma once

#include "core/family.h"
#include "core/response.h"
#include "core/tensor.h"

namespace diffverb {

/// A scalar from a response and its target.
///
/// prepare() computes once what depends on the target alone (its decay curves, its spectrogram); evaluate() is then
/// called each step. A loss never sees the model that made the response.
class Loss {
 public:
  virtual ~Loss() = default;
  /// Reads    target.ir() [B, C, T] and sample_rate_hz
  virtual void prepare(const Response& target) = 0;
  /// Reads    response.ir() [B, C, T] of the prepared target's shape, type and rate (or what the loss says it reads)
  /// Returns  scalar tensor
  /// Throws   ContractError on unequal shapes or rates, or where nothing was prepared
  virtual at::Tensor evaluate(const Response& response) const = 0;
  /// Value at the target itself: 0 for distances.
  virtual double value_at_target() const { return 0.0; }

  at::Tensor operator()(const Response& response, const Response& target) {
    prepare(target);
    return evaluate(response);
  }
};

DIFFVERB_FAMILY(losses, Loss);

}  // namespace diffverb
