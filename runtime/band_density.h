#pragma once

#include <vector>

#include "runtime/envelope_decoder.h"

namespace diffverb::runtime {

/// How loud the noise of each of a room's bands is at a time.
class BandDensity {
 public:
  static constexpr double kEarlyEndSeconds = 0.16;  ///< from here on the early energy has no part in it

  /// Reads: the knots of the early energy (they must live on).
  BandDensity(const EnvelopeRoom& room, const std::vector<double>& knots_s, bool with_floor);
  int bands() const { return static_cast<int>(bands_.size()); }
  /// Power of band k at a time, energy a second.
  double operator()(int k, double seconds) const;

 private:
  /// first exp(-rate_1 t) + second exp(-rate_2 t), times the early gain; and the floor.
  struct Band {
    double first, second, rate_1, rate_2, floor;
  };
  double early_gain_db(std::size_t k, double seconds) const;

  std::vector<Band> bands_;
  const std::vector<double>& knots_s_;
  const std::vector<double>& early_db_;
};

/// Power of a level.
double power_of_db(double db);

}  // namespace diffverb::runtime
