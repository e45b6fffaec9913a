#include "datasets/measure/deconvolution.h"

#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/acoustics/fft.h"
#include "core/acoustics/filters.h"
#include "core/acoustics/preparation.h"
#include "core/error.h"
#include "datasets/measure/excitation.h"
#include "datasets/measure/inverse.h"

namespace diffverb {
namespace {

constexpr double kMargin_s = 0.02;  // before the arrival: find_arrival may be late by so much where the drift was large
constexpr double kBefore_s = 0.001;  // of a response before its onset
constexpr double kRinging_s = 0.25;  // before a response, of the band limit at its low end
constexpr int kRounds = 30;
constexpr double kMostShare = 10;  // noise over signal where no signal is left
constexpr std::int64_t kNoiseBins = 4096;
constexpr double kHarmonicsExplained = 10;     // orders of distortion that are no disturbance
constexpr double kLeastUnexplained = 0.25;     // of a repetition, in which disturbances can be looked for
constexpr double kFaintestDisturbance = 1e-7;  // a frame's energy against the repetition's

/// Everything of one recording that all of its channels share.
struct Frame {
  Frame(const SweepRecording& recording, const Sweep& sweep)
      : layout(sweep),
        start(recording.delay_samples + layout.first),
        length(sweep.periodic() ? layout.period : layout.period + layout.gap),
        fft_size(sweep.periodic() ? layout.period
                                  : static_cast<std::int64_t>(acoustics::fast_fft_length(
                                        static_cast<std::size_t>(2 * layout.period + layout.gap)))),
        kept(layout.gap),
        margin(std::llround(kMargin_s * sweep.rate_hz)),
        window(band_window(fft_size, sweep.rate_hz, sweep.low_hz, sweep.high_hz)) {}
  SweepLayout layout;
  std::int64_t start, length, fft_size, kept, margin;
  at::Tensor window, played;  // [F]; the spectrum of what was played
};

/// All repetitions, [R, length], from `start` on; zeros where the recording has ended.
at::Tensor repetitions_of(const at::Tensor& channel, const Frame& frame, const Sweep& sweep, std::int64_t start) {
  auto out = at::zeros({sweep.repeat, frame.length}, at::kDouble);
  for (std::int64_t r = 0; r < sweep.repeat; ++r) {
    const std::int64_t from = start + r * frame.layout.spacing, begin = std::max<std::int64_t>(0, from);
    const std::int64_t end = std::min(channel.size(0), from + frame.length);
    if (end > begin) out[r].slice(0, begin - from, end - from).copy_(channel.slice(0, begin, end));
  }
  return out;
}

std::vector<MeasuredChannel::BandSnr> snr_by_octaves(const at::Tensor& power, const at::Tensor& noise,
                                                     const Frame& frame, const Sweep& sweep) {
  std::vector<MeasuredChannel::BandSnr> out;
  const auto bin = [&](double hz) { return std::llround(hz * static_cast<double>(frame.fft_size) / sweep.rate_hz); };
  const double repeats = static_cast<double>(sweep.repeat);
  for (const auto& band : acoustics::make_bands(acoustics::BandWidth::kOctave, sweep.rate_hz, 31.5, 16000)) {
    if (band.hz < sweep.low_hz || band.hz > sweep.high_hz) continue;
    const auto within = [&](const at::Tensor& x) {
      return x.slice(0, bin(std::max(band.low_hz, sweep.low_hz)), bin(std::min(band.high_hz, sweep.high_hz)) + 1)
          .sum()
          .item<double>();
    };
    const double noise_energy = std::max(1e-300, within(noise));  // of one repetition
    const double signal = std::max(1e-3 * noise_energy, within(power) - noise_energy / repeats);
    out.push_back({band.nominal_hz, 10 * std::log10(signal / noise_energy)});
  }
  return out;
}

/// A smooth spectrum in about 4000 bins.
at::Tensor thinned(const at::Tensor& spectrum) {
  const std::int64_t each = std::max<std::int64_t>(1, (spectrum.size(0) - 1) / kNoiseBins);
  return spectrum.slice(0, 0, (spectrum.size(0) - 1) / each * each + 1, each).clone();
}

/// The largest sample of each kLevelStep_s.
std::vector<double> levels_of(const at::Tensor& channel, double rate_hz) {
  const auto frame = std::llround(kLevelStep_s * rate_hz);
  const auto peaks = std::get<0>(channel.abs().unfold(0, frame, frame).max(1)).clamp_min(1e-9);
  const auto db = (20 * peaks.log10()).contiguous();
  return {db.const_data_ptr<double>(), db.const_data_ptr<double>() + db.size(0)};
}

/// What neither the response nor the harmonics before it explain of a repetition: played again, what stands elsewhere.
Disturbances disturbances_in(const at::Tensor& whole, const Frame& frame, const Sweep& sweep, double energy) {
  const auto ringing = std::llround(kRinging_s * sweep.rate_hz);
  std::int64_t before = ringing;
  if (sweep.type == "ess")
    before += std::llround(sweep_constant_s(sweep.seconds, sweep.low_hz, sweep.high_hz) * sweep.rate_hz *
                           std::log(kHarmonicsExplained));
  const std::int64_t from = frame.kept + ringing, to = frame.fft_size - before;
  if (static_cast<double>(to - from) < kLeastUnexplained * static_cast<double>(frame.fft_size)) return {};
  auto rest = whole.clone();
  rest.slice(0, 0, from).zero_();
  rest.slice(0, to).zero_();
  const auto unexplained =
      at::fft_irfft(at::fft_rfft(rest, frame.fft_size) * frame.played * frame.window, frame.fft_size);
  return find_disturbances(unexplained.slice(0, 0, frame.length), sweep.rate_hz, kFaintestDisturbance * energy);
}

/// One channel's whole circular response [fft_size], the onset near `margin`.
at::Tensor whole_response(const SweepRecording& recording, const Frame& frame, const Sweep& sweep,
                          MeasuredChannel& out) {
  const auto channel = recording.channel(out.channel);
  out.peak = recording.peaks.at(static_cast<std::size_t>(out.channel));
  out.levels_dbfs = levels_of(channel, sweep.rate_hz);
  out.repetitions =
      average_repetitions(repetitions_of(channel, frame, sweep, frame.start - frame.margin), sweep.rate_hz);
  const auto spectrum = at::fft_rfft(out.repetitions.mean, frame.fft_size);
  auto share = at::zeros({1}, at::kDouble);
  at::Tensor noise;  // of one sample of the mean of all repetitions
  if (const auto stretch = recording.noise(sweep, channel)) {
    out.hum = find_hum(*stretch, sweep.rate_hz);
    const auto power = spectrum.abs().square();
    const auto once = noise_spectrum(*stretch, frame.fft_size) * static_cast<double>(frame.length);
    out.snr = snr_by_octaves(power, once, frame, sweep);
    const auto averaged = smoothed_by_thirds(once) / static_cast<double>(sweep.repeat);
    noise = averaged / static_cast<double>(frame.length);
    const double in_response = static_cast<double>(frame.kept) / static_cast<double>(frame.length);
    const auto signal = at::maximum(smoothed_by_thirds(power) - averaged, averaged * (in_response / kMostShare));
    share = averaged * in_response / signal.clamp_min(1e-300);
  }
  const auto inverse = regularised_inverse(frame.played, frame.window, share);
  if (noise.defined()) out.noise = thinned(smoothed_by_thirds(noise * inverse.abs().square()));
  const auto whole = at::fft_irfft(spectrum * inverse, frame.fft_size);
  out.disturbances = disturbances_in(whole, frame, sweep, out.repetitions.mean.square().sum().item<double>());
  out.repetitions.mean = at::Tensor();
  return whole;
}

std::int64_t onset_of(const at::Tensor& response) {
  const auto values = response.contiguous();
  return static_cast<std::int64_t>(
      acoustics::find_onset({values.const_data_ptr<double>(), static_cast<std::size_t>(values.size(0))}));
}

/// The response that begins 1 ms before its onset and is, within the band, what was measured: what a band limit spreads to
/// before the onset is not just cut off, which would change what stands behind it. Papoulis and Gerchberg's iteration,
///
///   h <- W H + (1 - W) h  by frequency, then 0 outside its time
at::Tensor causal_response(const at::Tensor& whole, std::int64_t onset, const Frame& frame, const Sweep& sweep) {
  const auto before = static_cast<std::int64_t>(std::llround(kBefore_s * sweep.rate_hz));
  const auto ringing = std::min(frame.kept, static_cast<std::int64_t>(std::llround(kRinging_s * sweep.rate_hz)));
  const std::int64_t first = std::max<std::int64_t>(0, onset - before), samples = ringing + frame.kept;
  const auto size = static_cast<std::int64_t>(acoustics::fast_fft_length(static_cast<std::size_t>(2 * samples)));
  const auto beyond = 1 - band_window(size, sweep.rate_hz, sweep.low_hz, sweep.high_hz);
  const auto limited = at::fft_rfft(whole.roll({ringing}, {0}).slice(0, 0, samples), size);
  auto out = at::fft_irfft(limited, size);
  const auto cut = [&] {
    out.slice(0, 0, ringing + first).zero_();
    out.slice(0, samples).zero_();
  };
  cut();
  for (int round = 0; round < kRounds; ++round) {
    out = at::fft_irfft(limited + beyond * at::fft_rfft(out), size);
    cut();
  }
  return out.slice(0, ringing, samples).clone();
}

/// Harmonics reach where the sweep did not: what was hardly played there must not be divided by. The window of the response
/// ends a third of an octave beyond the range, this one with it.
at::Tensor within_range(const at::Tensor& whole, const Frame& frame, const Sweep& sweep) {
  const auto window = band_window(frame.fft_size, sweep.rate_hz, sweep.low_hz, sweep.high_hz / std::cbrt(2.0));
  return at::fft_irfft(at::fft_rfft(whole, frame.fft_size) * window, frame.fft_size);
}

/// Of what was played as it was heard: the sweep's in the file, or on the loopback channel.
double amplitude_of(const at::Tensor& played, const Sweep& sweep) {
  const double heard = played.square().sum().item<double>(), sent = sweep.excitation().square().sum().item<double>();
  return std::pow(10.0, sweep.level_dbfs / 20) * std::sqrt(heard / sent);
}

}  // namespace

Measurement deconvolve(const SweepRecording& recording, const std::string& name, const Sweep& sweep, bool kernels,
                       const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const at::NoGradGuard no_grad;
  Frame frame(recording, sweep);
  const auto played =
      recording.loopback < 0
          ? sweep.excitation()
          : average_repetitions(repetitions_of(recording.channel(recording.loopback), frame, sweep, frame.start),
                                sweep.rate_hz)
                .mean;
  frame.played = at::fft_rfft(played, frame.fft_size);
  Measurement out;
  out.rate_hz = sweep.rate_hz;
  out.drift = recording.drift;
  out.delay_samples = recording.delay_samples;
  std::int64_t earliest = frame.kept;
  const auto channels = recording.channels();
  for (std::int64_t c = 0; c < channels; ++c) {
    if (c != recording.loopback) {
      MeasuredChannel measured;
      measured.channel = c;
      const auto whole = whole_response(recording, frame, sweep, measured);
      const auto linear = whole.slice(0, 0, frame.kept);
      if (!(linear.abs().max().item<double>() > 0))
        throw DataError(name + ": channel " + std::to_string(c + 1) + " holds no response to the sweep");
      const std::int64_t onset = onset_of(linear);
      measured.response = causal_response(whole, onset, frame, sweep);
      if (sweep.type == "ess") {
        const auto limited = within_range(whole, frame, sweep);
        measured.harmonics = separate_harmonics(sweep, limited, onset, frame.kept);
        if (kernels)
          measured.kernels = power_kernels(sweep, limited, measured.response, onset, amplitude_of(played, sweep));
      }
      earliest = std::min(earliest, onset);
      out.channels.push_back(std::move(measured));
    }
    if (progress) progress(c + 1, channels);
  }
  const auto before = static_cast<std::int64_t>(std::llround(kBefore_s * sweep.rate_hz));
  const std::int64_t first = std::max<std::int64_t>(0, earliest - before);
  for (auto& measured : out.channels) {
    measured.response = measured.response.slice(0, first).clone();
    if (measured.kernels.defined()) measured.kernels = measured.kernels.slice(1, first).clone();
  }
  if (recording.loopback >= 0) out.flight_samples = first - frame.margin;
  return out;
}

}  // namespace diffverb
