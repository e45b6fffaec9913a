#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/family.h"
#include "core/tensor.h"

namespace diffverb {

/// Which rooms: a room stands in one part only.
enum class Split { kTrain, kValidation, kTest };

/// Where targets come from: a fixed number of examples, each an impulse response of one length and rate.
///
/// example() may be called from several threads at once, and its result depends on its arguments alone: the same for
/// any number of workers, ranks and resumed runs.
class Dataset {
 public:
  virtual ~Dataset() = default;
  /// Opens what the configuration named; called once, before anything below. Throws DataError.
  virtual void open() = 0;
  virtual double sample_rate_hz() const = 0;
  virtual std::int64_t samples() const = 0;  // T of every example
  virtual std::int64_t size(Split split) const = 0;
  /// Returns  [1, T] float32, onset at a fixed place; augmented as the configuration says where `seed` is not 0
  /// Throws   DataError that names file and response
  virtual at::Tensor example(Split split, std::int64_t index, std::uint64_t seed) const = 0;
  /// What an example is, for messages and reports: file, channel, room, licence.
  virtual std::string describe(Split split, std::int64_t index) const = 0;
  /// The licences of what a model learns from, each with its number of examples; "unknown" where nobody has said.
  virtual std::map<std::string, std::int64_t> licences(Split split) const = 0;
  /// A hash of the examples to train on and to validate on, in their order, wherever they lie; "" where a set has none.
  virtual std::string fingerprint() const { return ""; }
};

DIFFVERB_FAMILY(datasets, Dataset);

}  // namespace diffverb
