#pragma once

#include "plugin/ui/view/geometry.h"

namespace diffverb::ui {

/// What a level meter shows: the level falls by 24 dB in a second, the peak stands for 1.5 s and then falls with it. An
/// overload stays marked until it is cleared.
class Meter {
 public:
  static constexpr float kLowestDb = -60, kHighestDb = 6, kOverDb = 0;

  /// The largest level since the last call, and how long that is ago. What is not a number counts as silence.
  void feed(float db, float seconds);
  void clear_over() { over_ = false; }

  float level_db() const { return level_db_; }
  float peak_db() const { return peak_db_; }
  bool over() const { return over_; }

  /// Where a level stands in the meter, 0 at its foot to 1 at its top.
  static float position(float db);

 private:
  float level_db_ = kLowestDb, peak_db_ = kLowestDb, age_s_ = 0;
  bool over_ = false;
};

}  // namespace diffverb::ui
