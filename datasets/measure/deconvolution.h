#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "datasets/measure/disturbances.h"
#include "datasets/measure/harmonics.h"
#include "datasets/measure/hum.h"
#include "datasets/measure/noise_spectrum.h"
#include "datasets/measure/recording.h"
#include "datasets/measure/repetitions.h"
#include "datasets/measure/sweep.h"

namespace diffverb {

inline constexpr double kLevelStep_s = 0.05;

/// One microphone's response and what it was made of.
struct MeasuredChannel {
  struct BandSnr {
    double hz = 0, db = 0;  // of one repetition as recorded, before any averaging
  };
  std::int64_t channel = 0;  // of the recording, from 0
  at::Tensor response;       // [T] float64
  at::Tensor noise;          // [F] float64: expected power of a sample of the response's noise; undefined: not measured
  AveragedRepetitions repetitions;     // without their mean, which is as long as the recording
  std::optional<Harmonics> harmonics;  // of an exponential sweep
  at::Tensor kernels;                  // [3, T]: power_kernels (harmonics.h), where they were asked for
  std::vector<BandSnr> snr;            // by octaves; empty where the noise could not be measured
  Hum hum;
  Disturbances disturbances;
  double peak = 0;                  // of the recording; full scale is 1
  std::vector<double> levels_dbfs;  // the recording's largest sample in each kLevelStep_s
};

struct Measurement {
  std::vector<MeasuredChannel> channels;
  ClockDrift drift;
  double rate_hz = 0;
  std::int64_t delay_samples = 0;  // of the sweep's sound in the recording
  /// Of the responses' first sample behind the sweep as the loopback heard it; without loopback it is not known.
  std::optional<std::int64_t> flight_samples;
};

/// The responses of a room from a recording of a sweep: division by what was played, or by what a loopback channel heard.
///
///   h = F^-1{ Y G },   G of inverse.h, noise_share(f) = noise within h / signal, smoothed by thirds of an octave
///
/// The noise is that of the stretch before the sweep (or behind it), over the number of repetitions, and over the part of
/// the deconvolved sound that is kept: the linear response, as long as the gap. A response begins 1 ms before the earliest
/// onset of all channels, so that their delays against each other stay. One channel is worked on at a time.
///
/// Reads    recording from prepare_recording; kernels: of powers of the input too, from an ess; progress(done, channels) after each channel, may be empty
/// Throws   DataError where a channel holds no response that stands above its noise
Measurement deconvolve(const SweepRecording& recording, const std::string& name, const Sweep& sweep,
                       bool kernels = false, const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace diffverb
