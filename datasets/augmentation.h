#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/fields.h"

namespace diffverb {

/// Octaves in which band_decay changes the decay, Hz.
inline constexpr std::array<double, 7> kBandDecayOctavesHz = {125, 250, 500, 1000, 2000, 4000, 8000};

/// How a response decays, as far as changing it asks for.
struct ResponseDecay {
  double t60_s = 0;             // 0: no decay was found, nothing is changed
  std::size_t end_samples = 0;  // after the onset: from here on there is noise
};

/// One example's changes.
struct AugmentationDraw {
  double gain_db = 0;
  double speed = 1;
  double decay = 1;
  double crop_s = 0;
  std::array<double, kBandDecayOctavesHz.size()> band_decay_db_per_s{};
};

/// Changes of a response that leave it a room: each with its probability and its range, drawn from one seed.
///
///     augmentation:
///       gain: {probability: 0.5, range_db: [-12, 6]}
///       speed: {probability: 0.5, range: [0.9, 1.1]}                 resampled: pitch and size of the room change
///       decay: {probability: 0.5, range: [0.7, 1.4]}                 times exp(a t), so that T becomes factor * T
///       band_decay: {probability: 0.5, range_db_per_s: [-20, 20]}    one number an octave, 125 Hz to 8 kHz
///       crop: {probability: 0.5, most_s: 0.05}                       begins up to most_s later
///
/// Each has a stream of random numbers of its own: switching one on leaves the others' draws as they are.
///
/// Throws   ConfigError for a range that is upside down
class Augmentation {
 public:
  void read(Fields fields);
  bool any() const;
  AugmentationDraw draw(std::uint64_t seed) const;
  /// Most samples at the end's rate that an example of `samples` may need before speed and crop.
  std::int64_t longest_source(std::int64_t samples, double rate_hz) const;

 private:
  struct Change {
    double probability = 0;
    std::vector<double> range;
  };
  Change gain_{0, {-6, 6}}, speed_{0, {0.9, 1.1}}, decay_{0, {0.7, 1.4}}, band_decay_{0, {-10, 10}};
  double crop_probability_ = 0, crop_most_s_ = 0.05;
};

/// Broadband T20 (the last decay above the noise where there is none) and where noise begins; response from its onset.
ResponseDecay measure_response_decay(std::span<const float> response, double rate_hz);

/// h(t) *= 10^(3 t (1 / T - 1 / (factor T))): every T of the response's single slope becomes factor T.
///
/// Where only noise is left (from decay.end_samples on) it goes on to fall with the new T, so that a longer decay does
/// not end in rising noise. Before the onset nothing changes.
void stretch_decay(std::span<float> response, std::size_t onset, double rate_hz, const ResponseDecay& decay,
                   double factor);

/// h(t, f) *= 10^(d(f) t / 20) with d given at kBandDecayOctavesHz, linear over log f between them, constant outside.
///
/// Short frames (about 16 ms, half overlapping). A d above half of the response's own decay rate 60 dB / T is cut to
/// that, so that what decays goes on decaying; from decay.end_samples on the factor stays.
void change_band_decay(std::span<float> response, std::size_t onset, double rate_hz, const ResponseDecay& decay,
                       std::span<const double> db_per_s);

}  // namespace diffverb
