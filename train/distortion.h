#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/weights.h"

namespace diffverb {

/// What a model does at one level of its input, in dB of full scale (peak), played by the engine. Of the first output;
/// all inputs hear the same. In dB over the fundamental; nothing where that is silent.
struct LevelMeasure {
  double level_db = 0;
  std::optional<double> gain_db;                     // of the fundamental, a sine of kSine_hz
  std::optional<double> second_db, third_db, dc_db;  // what stands at 2 kSine_hz, 3 kSine_hz and 0 Hz
  std::optional<double> alias_db;                    // harmonics 2 .. 9 of kAliased_hz that fold, together
  std::optional<double> t60_s;                       // T30 of the decay after half a second of noise

  static constexpr double kSine_hz = 1000, kAliased_hz = 5000;
};

LevelMeasure measure_level(const std::shared_ptr<const runtime::Model>& model, double level_db);

}  // namespace diffverb
