#include "plugin/ui/view/meters.h"

namespace diffverb::ui {
namespace {

constexpr float kFallDbPerSecond = 24, kHoldSeconds = 1.5f;

}  // namespace

void Meter::feed(float db, float seconds) {
  db = db > kLowestDb ? std::min(db, kHighestDb) : kLowestDb;  // also what is not a number
  const float fall = kFallDbPerSecond * std::max(0.f, seconds);
  level_db_ = std::max(db, level_db_ - fall);
  age_s_ += std::max(0.f, seconds);
  if (age_s_ > kHoldSeconds) peak_db_ -= fall;
  if (level_db_ >= peak_db_) {
    peak_db_ = level_db_;
    age_s_ = 0;
  }
  over_ = over_ || db > kOverDb;
}

float Meter::position(float db) { return std::clamp((db - kLowestDb) / (kHighestDb - kLowestDb), 0.f, 1.f); }

}  // namespace diffverb::ui
