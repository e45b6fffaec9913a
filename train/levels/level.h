#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace diffverb {

/// One number of an evaluation, of what was played and, where that can be set beside it, of the target.
struct Figure {
  std::string key;  // with its unit as suffix
  std::optional<double> value, target = std::nullopt;
  std::string why_not = {};  // there is no value
};

/// One of the six levels: physical, structural, statistical, perceptual, learning, information.
struct Level {
  std::string name;
  std::vector<Figure> figures;
  std::string why_not;  // there are no figures
};

inline Level nothing_at(std::string name, std::string why) { return {std::move(name), {}, std::move(why)}; }

}  // namespace diffverb
