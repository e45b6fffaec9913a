#include "runtime/band_density.h"

#include <algorithm>
#include <cmath>

namespace diffverb::runtime {
namespace {

constexpr double kDecayPerT60 = 13.815510557964274;  // 6 ln 10

}  // namespace

double power_of_db(double db) { return std::pow(10.0, db / 10); }

BandDensity::BandDensity(const EnvelopeRoom& room, const std::vector<double>& knots_s, bool with_floor)
    : knots_s_(knots_s), early_db_(room.early_db) {
  for (std::size_t k = 0; k < room.t1_s.size(); ++k) {
    const double rate_1 = kDecayPerT60 / room.t1_s[k], rate_2 = kDecayPerT60 / room.t2_s[k];
    const double level = power_of_db(room.level_db[k]);
    bands_.push_back({level * (1 - room.mix[k]) * rate_1, level * room.mix[k] * rate_2, rate_1, rate_2,
                      with_floor ? power_of_db(room.floor_db[k]) : 0.0});
  }
}

double BandDensity::operator()(int k, double seconds) const {
  const Band& band = bands_[static_cast<std::size_t>(k)];
  double decay = band.first * std::exp(-band.rate_1 * seconds) + band.second * std::exp(-band.rate_2 * seconds);
  if (seconds < kEarlyEndSeconds) decay *= power_of_db(early_gain_db(static_cast<std::size_t>(k), seconds));
  return decay + band.floor;
}

/// Gain in dB of the early energy at a time: linear between knots over the logarithm of time, 0 from 160 ms on.
double BandDensity::early_gain_db(std::size_t k, double seconds) const {
  const auto place = [](double time) { return std::log(std::max(time, 0.002) / 0.004); };
  const auto gain = [&](std::size_t j) { return early_db_[j * bands_.size() + k]; };
  if (knots_s_.empty()) return 0;
  const double at = place(seconds);
  if (at <= place(knots_s_.front())) return gain(0);
  for (std::size_t j = 0; j < knots_s_.size(); ++j) {
    const bool last = j + 1 == knots_s_.size();
    const double from = place(knots_s_[j]), to = place(last ? kEarlyEndSeconds : knots_s_[j + 1]);
    if (at > to) continue;
    const double share = (at - from) / (to - from);
    return (1 - share) * gain(j) + share * (last ? 0.0 : gain(j + 1));
  }
  return 0;
}

}  // namespace diffverb::runtime
