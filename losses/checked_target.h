#pragma once

#include <cstdint>
#include <string>

#include "core/fields.h"
#include "core/response.h"
#include "core/tensor.h"

namespace diffverb {

/// What a loss remembers of its target's impulse response, and the check that a response goes with it.
///
/// A loss that compares any tensor as well reads the key `of`: "ir" unless the config names another ("spectrogram");
/// then what is said of the ir holds for that tensor, of any shape.
class CheckedTarget {
 public:
  explicit CheckedTarget(std::string loss) : loss_(std::move(loss)) {}

  /// Reads the key `of`.
  void read_of(Fields& fields) { fields.optional("of", of_); }

  /// Reads    target.ir() [B, C, T]
  /// Returns  the impulse response, detached
  /// Throws   ContractError where it is empty or not float32 or float64
  const at::Tensor& set(const Response& target);
  /// The same, and refuses a channel without sound, in relation to which nothing can be measured.
  const at::Tensor& set_audible(const Response& target);

  /// Returns  response.ir()
  /// Throws   ContractError unless its shape, type, device and rate are the target's, or where no target was set
  const at::Tensor& check(const Response& response) const;

  const at::Tensor& ir() const { return ir_; }
  /// The samples at which the first and the last of all channels begin (core/acoustics/preparation.h).
  struct Onsets {
    std::int64_t first = 0, last = 0;
  };
  Onsets onsets() const;
  double sample_rate_hz() const { return rate_hz_; }

 private:
  std::string loss_, of_ = "ir";
  at::Tensor ir_;
  double rate_hz_ = 0;
};

}  // namespace diffverb
