#pragma once

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/real.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/acoustics/fft.h"
#include "core/audio_tensor.h"
#include "core/resample.h"
#include "core/seed.h"
#include "datasets/measure/deconvolution.h"
#include "datasets/measure/inverse.h"

namespace diffverb {

inline at::Tensor noise_of(std::int64_t samples, std::uint64_t seed) {
  Random random(seed, "measure");
  std::vector<double> out(static_cast<std::size_t>(samples));
  for (double& value : out) value = random.normal();
  return at::tensor(out, at::kDouble);
}

inline at::Tensor whole_convolution(const at::Tensor& a, const at::Tensor& b) {
  const std::int64_t samples = a.size(0) + b.size(0) - 1;
  const auto size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(samples)));
  return at::fft_irfft(at::fft_rfft(a, size) * at::fft_rfft(b, size), size).slice(0, 0, samples);
}

inline at::Tensor at_rate(const at::Tensor& x, double from_hz, double to_hz) {
  return channels_of(resample(audio_of(x.unsqueeze(0), from_hz), to_hz))[0];
}

/// A small measurement of a single repetition: 16 kHz, 50 Hz to 7 kHz, responses of `gap_s`.
inline Sweep short_sweep(const std::string& type = "ess", double seconds = 2, double gap_s = 0.5) {
  Sweep sweep;
  sweep.type = type;
  sweep.rate_hz = 16000;
  sweep.low_hz = 50;
  sweep.high_hz = 7000;
  sweep.seconds = seconds;
  sweep.gap_s = gap_s;
  return sweep;
}

/// What a recorder hears of a sweep in a room whose response is known, and what is wrong with it.
struct SimulatedRecording {
  at::Tensor response;                                      // [T]
  double snr_db = std::numeric_limits<double>::infinity();  // power of the recorded repetition over white noise
  double cubic = 0;      // share of a third harmonic before the room: at four times the rate, as outside a computer
  double drift_ppm = 0;  // of the recorder's clock
  std::int64_t delay = 4000;   // samples before the sound begins
  std::int64_t click_at = -1;  // a burst of 20 ms, twice as strong as the largest sample
  double jump_from_s = -1;     // from here on 1 dB louder

  at::Tensor of(const Sweep& sweep) const {
    auto played = sweep.sound();
    if (cubic != 0) {
      const auto fine = at_rate(played, sweep.rate_hz, 4 * sweep.rate_hz);
      const double peak = std::pow(10.0, sweep.level_dbfs / 20);
      // 4 cos^3 = 3 cos + cos 3: the third harmonic's amplitude is `cubic` of the sweep's.
      played = at_rate(fine + 4 * cubic / (peak * peak) * fine.pow(3), 4 * sweep.rate_hz, sweep.rate_hz)
                   .slice(0, 0, played.size(0));
    }
    auto heard = at::cat({at::zeros({delay}, at::kDouble), whole_convolution(played, response)});
    if (jump_from_s >= 0)
      heard.slice(0, static_cast<std::int64_t>(jump_from_s * sweep.rate_hz)).mul_(std::pow(10.0, 0.05));
    if (drift_ppm != 0) heard = at_rate(heard, sweep.rate_hz, sweep.rate_hz * (1 + drift_ppm * 1e-6));
    const SweepLayout layout(sweep);
    const auto once = heard.slice(0, delay + layout.first, delay + layout.first + layout.period);
    const double rms = std::sqrt(once.square().mean().item<double>());
    heard = heard + rms * std::pow(10.0, -snr_db / 20) * noise_of(heard.size(0), 7);
    if (click_at >= 0) {
      const auto burst = static_cast<std::int64_t>(0.02 * sweep.rate_hz);
      heard.slice(0, click_at, click_at + burst).add_(heard.abs().max() * noise_of(burst, 8));
    }
    return 0.3 * heard / heard.abs().max();
  }
};

inline Audio sound_of(const at::Tensor& x, double rate_hz) { return audio_of(x.unsqueeze(0), rate_hz); }

inline Measurement measure(const Audio& recording, const Sweep& sweep, const RecordingOptions& options = {}) {
  return deconvolve(prepare_recording(recorded_in(recording), "rec.wav", sweep, options), "rec.wav", sweep);
}

/// Energy of what a response lacks of the true one within the sweep's range, best delay to a fraction of a sample and best
/// gain, over the true one's, dB.
inline double response_error_db(const at::Tensor& measured, const at::Tensor& truth, const Sweep& sweep) {
  const auto size =
      static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(measured.size(0) + truth.size(0))));
  // Above 0.9 and below 1.1 of the ends, the band limit has begun.
  const auto within = band_window(size, sweep.rate_hz, 1.5 * sweep.low_hz, 0.8 * sweep.high_hz);
  const auto a = at::fft_rfft(truth, size) * within, b = at::fft_rfft(measured, size) * within;
  constexpr int kFiner = 32;  // of the search for the delay
  const auto fine = at::fft_irfft(at::constant_pad_nd(a.conj() * b, {0, (kFiner - 1) * size / 2}), kFiner * size);
  double delay = fine.argmax().item<double>() / kFiner;
  if (delay > static_cast<double>(size) / 2) delay -= static_cast<double>(size);
  const auto k = at::arange(size / 2 + 1, at::kDouble);
  const auto turned = b * at::polar(at::ones_like(k), k * (2 * M_PI * delay / static_cast<double>(size)));
  const auto inner = at::real(turned * a.conj()).sum().item<double>();
  const double gain = inner / turned.abs().square().sum().item<double>();
  return 10 *
         std::log10((gain * turned - a).abs().square().sum().item<double>() / a.abs().square().sum().item<double>());
}

}  // namespace diffverb
