#include "datasets/measure/recording.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/error.h"
#include "core/printed.h"
#include "core/resample.h"
#include "core/sound_input.h"
#include "datasets/measure/diffuse_arrival.h"
#include "datasets/pair_relation.h"

namespace diffverb {
namespace {

constexpr float kFullScale = 0.9995f;
constexpr std::size_t kClippedRun = 3;
constexpr std::int64_t kPartOfSweep = 8;
constexpr double kSilent = 1e-7;
constexpr double kShortestNoise_s = 0.2, kGuard_s = 0.03;  // the room's noise, and how near a sound it may come
constexpr double kFrame_s = 0.1, kSteady = 4;              // largest over median power of frames, of noise
constexpr double kLeastDrift_samples = 0.05;               // over the whole sound: less cannot be told from noise

[[noreturn]] void refuse(const std::string& name, const std::string& what) { throw DataError(name + ": " + what); }

/// Where the first run of three samples at full scale begins; nothing where there is none. Floating-point files may go
/// beyond full scale: what does is not clipped.
std::optional<std::size_t> first_clipped(const std::vector<float>& channel) {
  const auto [low, high] = std::minmax_element(channel.begin(), channel.end());
  if (std::max(-*low, *high) > 1.0001f) return {};
  std::size_t run = 0;
  for (std::size_t n = 0; n < channel.size(); ++n) {
    run = std::abs(channel[n]) >= kFullScale ? run + 1 : 0;
    if (run == kClippedRun) return n + 1 - run;
  }
  return {};
}

/// One channel at a time. Returns the loudest one.
std::int64_t check_channels(SweepRecording& out, const std::string& name,
                            const std::function<void(std::int64_t, std::int64_t)>& progress) {
  std::int64_t loudest = 0;
  double most = -1;
  for (std::int64_t c = 0; c < out.channels(); ++c) {
    const auto x = out.source.read(c);
    const std::string where = "channel " + std::to_string(c + 1) + " is ";
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    if (*high - *low < kSilent) refuse(name, where + "silent, expected a recording of the sweep");
    if (const auto at_ = first_clipped(x))
      refuse(name, where + "clipped from " + printed("%.3f", static_cast<double>(*at_) / out.source.rate_hz) +
                       " s on, expected headroom: measure again at a lower level");
    out.peaks.push_back(static_cast<double>(std::max(-*low, *high)));
    double sum = 0, energy = 0;
    for (const float value : x) {
      sum += static_cast<double>(value);
      energy += static_cast<double>(value) * static_cast<double>(value);
    }
    energy -= sum * sum / static_cast<double>(x.size());
    if (energy > most) {
      most = energy;
      loudest = c;
    }
    if (progress) progress(c + 1, out.channels());
  }
  return loudest;
}

/// Noise has the same power all the time.
bool is_steady(const at::Tensor& channel, double rate_hz) {
  const auto frame = std::llround(kFrame_s * rate_hz);
  const auto power = channel.unfold(0, frame, frame).square().mean(1);
  const double middle = power.median().item<double>();
  return power.max().item<double>() < kSteady * middle && power.min().item<double>() > middle / kSteady;
}

void check_form(const RecordedChannels& source, const std::string& name, const Sweep& sweep,
                const RecordingOptions& options) {
  const std::int64_t channels = source.channels;
  if (options.loopback && (*options.loopback < 1 || *options.loopback > channels))
    refuse(name, "has " + std::to_string(channels) + " channel" + (channels == 1 ? "" : "s") + ", expected loopback " +
                     std::to_string(*options.loopback) + " to be one of them");
  if (options.loopback && channels == 1)
    refuse(name, "has the loopback channel alone, expected a microphone's beside it");
  if (source.rate_hz != sweep.rate_hz && !options.resample)
    refuse(name, "sample rate is " + printed("%g", source.rate_hz) + " Hz, expected the sweep's " +
                     printed("%g", sweep.rate_hz) + " Hz (--resample changes it)");
  const SweepLayout at_(sweep);
  const double seconds = static_cast<double>(source.read(0).size()) / source.rate_hz;
  const double needed_s = static_cast<double>(at_.played - at_.first) / sweep.rate_hz;
  if (seconds < needed_s)
    refuse(name, "is " + printed("%.2f", seconds) + " s long, expected the sweep's " + printed("%.2f", needed_s) +
                     " s or more");
}

/// A clock that drifts takes a long sequence apart, and puts it a period off: what then is left of two drifts half as far.
/// So what stands before the sequence and its first eighth are looked for, and that eighth has to be found again by itself,
/// as the pilot before it could be another sweep's. Of the periods where it is found, the first.
Arrival find_beginning(const at::Tensor& channel, const Sweep& sweep) {
  const SweepLayout at_(sweep);
  const std::int64_t start = at_.first - at_.period, part = at_.period / kPartOfSweep;
  const auto sound = sweep.sound().unsqueeze(0), recorded = channel.unsqueeze(0);
  const Arrival whole = find_arrival(sound.slice(1, 0, start + part), recorded, sweep.rate_hz);
  Arrival out;
  if (!whole.arrives()) return out;
  for (std::int64_t from = whole.delay_samples + start; from >= 0; from -= at_.period) {
    const auto stretch = recorded.slice(1, from, std::min(channel.size(0), from + 2 * part));
    if (stretch.size(1) < 2 * part) continue;
    const Arrival again = find_arrival(sound.slice(1, start, start + part), stretch, sweep.rate_hz);
    if (!again.arrives()) break;
    out = again;
    out.delay_samples += from - start;
  }
  return out;
}

/// The sweep's sound without what its ends spread beyond its range: find_arrival takes every bin at equal weight, and there
/// a click in the recording fits the end of the sweep.
at::Tensor sound_within_range(const Sweep& sweep) {
  const auto sound = sweep.sound();
  auto spectrum = at::fft_rfft(sound);
  const double bins_per_hz = static_cast<double>(sound.size(0)) / sweep.rate_hz;
  spectrum.slice(0, 0, std::llround(sweep.low_hz * bins_per_hz)).zero_();
  spectrum.slice(0, std::llround(sweep.high_hz * bins_per_hz) + 1).zero_();
  return at::fft_irfft(spectrum, sound.size(0));
}

/// By a direct sound, or else as a diffuse space lets it arrive; nothing where the sweep is not heard.
std::optional<std::int64_t> find_delay(const at::Tensor& channel, const Sweep& sweep) {
  Arrival arrival;
  if (sweep.periodic()) arrival = find_beginning(channel, sweep);
  if (!arrival.arrives())
    arrival = find_arrival(sound_within_range(sweep).unsqueeze(0), channel.unsqueeze(0), sweep.rate_hz);
  if (arrival.arrives()) return arrival.delay_samples;
  return find_diffuse_arrival(channel, sweep);
}

void find_start(SweepRecording& out, const at::Tensor& channel, const std::string& name, const Sweep& sweep) {
  const SweepLayout at_(sweep);
  const auto delay = find_delay(channel, sweep);
  if (!delay) {
    if (is_steady(channel, sweep.rate_hz)) refuse(name, "nothing but noise in it, expected a recording of the sweep");
    refuse(name,
           "this sweep is not in it (another sweep or another sound?), expected a recording of the sweep's sound");
  }
  out.delay_samples = *delay;
  const std::int64_t from = out.delay_samples + (sweep.periodic() ? at_.first - at_.period : at_.first);
  const auto in_seconds = [&](std::int64_t samples) {
    return printed("%.2f", static_cast<double>(samples) / sweep.rate_hz) + " s";
  };
  if (from < 0) refuse(name, "begins " + in_seconds(-from) + " after the sweep does, expected the whole sweep");
  const std::int64_t missing = out.delay_samples + at_.played - channel.size(0);
  if (missing > 0) refuse(name, "ends " + in_seconds(missing) + " before the sweep does, expected the whole sweep");
}

}  // namespace

RecordedChannels recorded_in(const std::filesystem::path& path) {
  const auto input = std::make_shared<SoundInput>(path, kMostChannelsRecorded);
  return {input->rate_hz(), input->channels(), [input](std::int64_t c) { return input->channel(c); }};
}

RecordedChannels recorded_in(Audio audio) {
  const auto shared = std::make_shared<const Audio>(std::move(audio));
  return {shared->rate_hz, static_cast<std::int64_t>(shared->channels.size()),
          [shared](std::int64_t c) { return shared->channels.at(static_cast<std::size_t>(c)); }};
}

at::Tensor SweepRecording::channel(std::int64_t c) const {
  Audio audio{source.rate_hz, {source.read(c)}};
  if (rate_hz != source.rate_hz) audio = resample(audio, rate_hz);
  const auto& samples = audio.channels[0];
  auto out = at::empty({static_cast<std::int64_t>(samples.size())}, at::kDouble);
  std::copy(samples.begin(), samples.end(), out.mutable_data_ptr<double>());
  return out.sub_(out.mean());
}

std::optional<at::Tensor> SweepRecording::noise(const Sweep& sweep, const at::Tensor& channel) const {
  const SweepLayout at_(sweep);
  const auto guard = std::llround(kGuard_s * sweep.rate_hz), least = std::llround(kShortestNoise_s * sweep.rate_hz);
  const std::int64_t first = sweep.pilots ? at_.first_pilot : at_.lead;
  const std::int64_t head = delay_samples + first - guard, tail = delay_samples + at_.samples;
  if (head >= least) return channel.slice(0, 0, head);
  if (channel.size(0) - tail >= least) return channel.slice(0, tail);
  return {};
}

SweepRecording prepare_recording(RecordedChannels source, const std::string& name, const Sweep& sweep,
                                 const RecordingOptions& options,
                                 const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const at::NoGradGuard no_grad;
  check_form(source, name, sweep, options);
  SweepRecording out;
  out.source = std::move(source);
  out.rate_hz = sweep.rate_hz;
  const std::int64_t loudest = check_channels(out, name, progress);
  if (options.loopback) out.loopback = *options.loopback - 1;
  const auto reference = out.channel(options.loopback ? out.loopback : loudest);
  find_start(out, reference, name, sweep);
  out.drift = find_drift(sweep, reference, out.delay_samples, options.loopback.has_value());
  const double samples = static_cast<double>(SweepLayout(sweep).samples);
  if (out.drift.ppm && std::abs(*out.drift.ppm) * 1e-6 * samples > kLeastDrift_samples) {
    const double ratio = 1 + *out.drift.ppm * 1e-6;
    out.rate_hz = sweep.rate_hz / ratio;
    out.delay_samples = std::llround(static_cast<double>(out.delay_samples) / ratio);
  }
  return out;
}

}  // namespace diffverb
