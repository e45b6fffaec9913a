#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/family.h"
#include "core/response.h"
#include "core/tensor.h"

namespace diffverb {

/// What makes a Response from its parameters and, where it is a model of many rooms, from the response it is to
/// reproduce.
///
/// Parameters are leaf tensors by name; the trainer optimises them in place and stores them in checkpoints. A model
/// never sees a data set or a loss.
class Model {
 public:
  virtual ~Model() = default;
  virtual std::map<std::string, at::Tensor> parameters() const = 0;
  /// Step size of a parameter relative to the trainer's rate: parameters in dB move in larger steps than gains.
  virtual double rate_scale(const std::string& /*parameter*/) const { return 1.0; }
  /// State that training moves but no gradient does (running statistics of a batch norm); stored in checkpoints.
  virtual std::map<std::string, at::Tensor> buffers() const { return {}; }
  /// Whether forward() is to behave as in training (batch statistics, noise on the latent) or as when played.
  virtual void set_training(bool /*training*/) {}
  /// Seeds what forward() draws at random in training; called before each step, so that a resumed run draws the same.
  virtual void set_seed(std::uint64_t /*seed*/) {}
  /// Adds to a target what this model is trained on beside the sound ("spectrogram", ...), for losses that read it.
  virtual void add_features(Response& /*target*/) const {}
  /// Whether add_features() works on the CPU anyway (kept analyses): then it is given a target there, and what it adds
  /// goes to the GPU afterwards.
  virtual bool has_features_on_cpu() const { return false; }
  /// Reads    target: what is to be reproduced, [B, C, T], with add_features() done; a model of one room ignores it
  virtual Response forward(const Response& target) = 0;
};

DIFFVERB_FAMILY(models, Model);

}  // namespace diffverb
