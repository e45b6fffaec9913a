#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

namespace diffverb::runtime {

/// A number from `least` to `most`: like CLI::Range, which takes NaN for a number within any range.
inline CLI::Validator number_in(double least, double most) {
  char ends[64];
  std::snprintf(ends, sizeof ends, "%g to %g", least, most);
  const std::string range = ends;
  std::snprintf(ends, sizeof ends, "FLOAT in [%g - %g]", least, most);
  const auto refused = [=](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most) return std::string();
    return "expected a number from " + range + ", got '" + text + "'";
  };
  return CLI::Validator(refused, ends);
}

}  // namespace diffverb::runtime
