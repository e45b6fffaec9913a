#pragma once

#include "core/family.h"

namespace diffverb {

/// A small family of its own, to test how parts are registered.
class Sample {
 public:
  virtual ~Sample() = default;
  virtual double value() const = 0;
};

DIFFVERB_FAMILY(samples, Sample);

}  // namespace diffverb
