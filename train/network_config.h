#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/network/delay_network.h"
#include "runtime/weights.h"

namespace diffverb {

/// Whether a path names a config (.yaml, .yml) rather than weights.
bool is_config(const std::filesystem::path& path);

/// The reverberator that a config describes, as it is exported and played; `overlays` are "key.path=value".
/// Throws   ConfigError where the config is wrong, or its model has no network before it is fitted or trained;
///          NumericError where the runtime refuses the network
runtime::DelayNetworkWeights network_of_config(const std::filesystem::path& config,
                                               const std::vector<std::string>& overlays);
/// Weights as a network, in float64, without output filters and early part.
DelayNetwork to_network(const runtime::DelayNetworkWeights& weights);

std::shared_ptr<const runtime::Model> playable_model(const std::filesystem::path& config,
                                                     const std::vector<std::string>& overlays);

}  // namespace diffverb
