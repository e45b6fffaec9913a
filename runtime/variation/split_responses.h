#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "runtime/variation/response_decay.h"

namespace diffverb::runtime {

/// Measured responses of one length and their octaves, which are made when they are first needed and then kept. Several
/// threads may ask at once.
class SplitResponses {
 public:
  /// highest_hz: the rate of which half is the most that the rows hold, where that is lower than their own.
  SplitResponses(std::vector<std::vector<float>> rows, double rate_hz, double highest_hz);

  const std::vector<std::vector<float>>& rows() const { return rows_; }
  double rate_hz() const { return rate_hz_; }

  /// Decay rates of all rows together; 0 where an octave does not decay.
  const OctaveRates& measured() const;

  /// The rows with other decay times. Octaves that are to decay more slowly go on as noise from where the measured noise
  /// comes near (10 dB), and all rows become as long as 80 dB of the slowest octave, `longest` samples at most. What does
  /// not decay stays as it is. `wanted`: times the decay time of an octave of measured().
  std::vector<std::vector<float>> with_decay_times(const std::vector<double>& wanted, std::size_t longest) const;

 private:
  void split() const;
  void split_noise() const;

  std::vector<std::vector<float>> rows_;
  double rate_hz_;
  std::vector<double> centres_;
  std::size_t onset_ = 0;
  mutable std::once_flag split_once_, noise_once_;
  mutable std::vector<std::vector<std::vector<float>>> bands_, noise_;  // [rows][K][T], [rows][K][a period]
  mutable std::vector<std::vector<double>> noise_power_;                // [rows][K]
  mutable std::vector<std::size_t> knees_;                              // [K] samples until the noise comes near
  mutable OctaveRates measured_;
};

}  // namespace diffverb::runtime
