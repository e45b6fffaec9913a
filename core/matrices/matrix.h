#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/family.h"
#include "core/tensor.h"

namespace diffverb {

/// What a feedback matrix keeps for every value of its parameters. Whichever it is, the loop decays for any delays as soon
/// as every line filter stays below 1 at every frequency.
///
/// Source   Schlecht and Habets 2017, "On lossless feedback delay networks"
enum class LoopProperty {
  kOrthogonal,  // A A^T = I
  kLossless,  // T A T^-1 is orthogonal, T a positive diagonal: it commutes with the delays, so every pole has modulus 1
  kUnitPoles,  // every pole has modulus 1; poles may coincide, and then the loop without line filters grows
  kDecaying,   // |A|_2 < 1: every pole has modulus below 1
};

/// "orthogonal", "lossless", "unit_poles", "decaying"
inline const char* property_name(LoopProperty property) {
  constexpr const char* kNames[] = {"orthogonal", "lossless", "unit_poles", "decaying"};
  return kNames[static_cast<int>(property)];
}

/// A feedback matrix A [N, N] and what it is made of.
///
/// reset() draws the parameters for N lines from the seed; matrix() is A as a differentiable function of them.
/// Parameters are leaf tensors by name (empty for a fixed matrix); the trainer optimises and stores them.
class FeedbackMatrix {
 public:
  virtual ~FeedbackMatrix() = default;
  /// Throws   ConfigError where the matrix does not exist for this N (Hadamard: a power of two), with the nearest that do
  virtual void reset(std::int64_t lines, std::uint64_t seed, at::ScalarType dtype) = 0;
  virtual at::Tensor matrix() const = 0;  // [N, N]
  virtual std::map<std::string, at::Tensor> parameters() const { return {}; }
  virtual bool exists_for(std::int64_t lines) const { return lines >= 1; }
  virtual LoopProperty property() const { return LoopProperty::kOrthogonal; }
  /// The diagonal T [N] that makes T A T^-1 orthogonal, of one that is lossless and not orthogonal; else undefined.
  virtual at::Tensor scaling() const { return {}; }
  bool is_orthogonal() const { return property() == LoopProperty::kOrthogonal; }
};

DIFFVERB_FAMILY(matrices, FeedbackMatrix);

}  // namespace diffverb
