#pragma once

#include <torch/types.h>

#include <map>
#include <string>

#include "core/family.h"
#include "core/response.h"

namespace diffverb {

/// What makes a Response from its parameters.
///
/// Parameters are leaf tensors by name; the trainer optimises them in place and stores them in checkpoints. A model
/// never sees a data set or a loss.
class Model {
 public:
  virtual ~Model() = default;
  virtual std::map<std::string, torch::Tensor> parameters() const = 0;
  /// Step size of a parameter relative to the trainer's rate: parameters in dB move in larger steps than gains.
  virtual double rate_scale(const std::string& /*parameter*/) const { return 1.0; }
  virtual Response forward() = 0;
};

DIFFVERB_FAMILY(models, Model);

}  // namespace diffverb
