#pragma once

#include <filesystem>
#include <memory>

#include "core/audio_file.h"
#include "runtime/weights.h"

namespace diffverb {

/// The one response of a delay network, to be set beside measured ones. Plays through the runtime.
class NetworkResponse {
 public:
  /// Reads    weights of kind delay_network, a build of pyFDN, or the run folder of a fit
  /// Throws   DataError for a file that the runtime refuses
  explicit NetworkResponse(const std::filesystem::path& weights);

  /// Whether this is such a file or folder, rather than an autoencoder's.
  static bool is_there(const std::filesystem::path& weights);

  /// As long as a measured response and at its rate; its channels are the outputs from `first_channel` on. A network of
  /// one output gives every channel the same.
  /// Throws   DataError where there are not as many outputs
  Audio like(const Audio& measured, int first_channel) const;

  const runtime::DelayNetworkWeights& network() const { return model_->network; }

 private:
  std::shared_ptr<const runtime::Model> model_;
};

}  // namespace diffverb
