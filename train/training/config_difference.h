#pragma once

#include <string>
#include <vector>

namespace diffverb {

/// One key that two resolved configs say differently; "-" where one does not have it.
struct ConfigDifference {
  std::string key, before, after;
};

/// Every key path whose value differs, in the order of `before`.
std::vector<ConfigDifference> config_differences(const std::string& before_yaml, const std::string& after_yaml);

/// "train.rate 0.001 -> 0.002, model.latent 3 -> 8"
std::string text_of(const std::vector<ConfigDifference>& differences);

}  // namespace diffverb
