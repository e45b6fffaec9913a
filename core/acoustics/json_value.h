#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace diffverb::acoustics {

/// A number, or null where it is undefined or not finite: JSON has no NaN, and a reader must not meet one.
inline nlohmann::json json_value(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

}  // namespace diffverb::acoustics
